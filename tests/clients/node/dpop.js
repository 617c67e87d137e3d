// DPoP (RFC 9449) as openid-client does it: nonces and all. Codes come from the command line. Prints one line of JSON.
import * as client from 'openid-client'

const [issuer, clientId, redirected, verifier] = process.argv.slice(2)
const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(), {
  execute: [client.allowInsecureRequests],
})
const keys = await client.randomDPoPKeyPair('ES256')
const DPoP = client.getDPoPHandle(config, keys)
const url = new URL(redirected)

const tokens = await client.authorizationCodeGrant(
  config,
  url,
  { pkceCodeVerifier: verifier, expectedState: url.searchParams.get('state'), expectedNonce: 'no' },
  undefined,
  { DPoP },
)
const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
const again = await client.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub, { DPoP })

const tried = async (what) => {
  try {
    await what()
    return 'taken'
  } catch (error) {
    return error.error ?? error.cause?.[0]?.parameters?.error ?? String(error)
  }
}
const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const stolen = [
  await tried(() => client.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub)),
  await tried(() => client.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub, { DPoP: thief })),
  await tried(() => client.refreshTokenGrant(config, refreshed.refresh_token)),
  await tried(() => client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP: thief })),
]
const jkt = await DPoP.calculateThumbprint()
console.log(JSON.stringify({ type: tokens.token_type, sub: userinfo.sub, again: again.sub, stolen, jkt }))
