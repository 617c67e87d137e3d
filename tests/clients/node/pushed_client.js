// A client that pushes signed requests, and wants signed responses and tokens bound to its key. Prints JSON lines: where its
// user has to go; after each line that it reads, where the user came back to, what came of it.
import readline from 'node:readline'
import { importJWK } from 'jose'
import * as client from 'openid-client'

const [issuer, clientId, jwk] = process.argv.slice(2)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const key = { key: await importJWK(JSON.parse(jwk)), kid: JSON.parse(jwk).kid }
const config = await client.discovery(
  new URL(issuer),
  clientId,
  { authorization_signed_response_alg: 'ES256', id_token_signed_response_alg: 'ES256' },
  client.PrivateKeyJwt(key),
  { execute: [client.allowInsecureRequests] },
)
client.useJwtResponseMode(config)
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const verifier = client.randomPKCECodeVerifier()
const [state, nonce] = [client.randomState(), client.randomNonce()]

const ask = async (redirect_uri, scope) => {
  const signed = await client.buildAuthorizationUrlWithJAR(
    config,
    {
      redirect_uri,
      scope,
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    },
    key,
  )
  const pushed = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP })
  return pushed.href
}

const finish = async (url) => {
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
  const tokens = await client.authorizationCodeGrant(config, new URL(url), checks, undefined, { DPoP })
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  return { type: refreshed.token_type, subject: userinfo.sub }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [call, ...args] = JSON.parse(line)
  try {
    say(call === 'ask' ? { go: await ask(...args) } : await finish(...args))
  } catch (error) {
    say({ failed: error.error ?? error.code ?? String(error), cause: error.cause?.error ?? String(error.cause) })
  }
}
