// DPoP with pushed requests as oauth4webapi does it: a code that is bound to a key before it is there. Speaks in JSON lines.
import readline from 'node:readline'
import * as oauth from 'oauth4webapi'

const [issuer, clientId, callback] = process.argv.slice(2)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const insecure = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(
  new URL(issuer),
  await oauth.discoveryRequest(new URL(issuer), insecure),
)
const client = { client_id: clientId }
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
const verifier = oauth.generateRandomCodeVerifier()

// A nonce that is wanted is not an error: the same request again has it.
const twice = async (request, process) => {
  try {
    return await process(await request())
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return process(await request())
  }
}

const parameters = new URLSearchParams({
  client_id: clientId,
  response_type: 'code',
  redirect_uri: callback,
  scope: 'openid',
  state: 'st',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
const pushed = await twice(
  () => oauth.pushedAuthorizationRequest(as, client, oauth.None(), parameters, { DPoP, ...insecure }),
  (response) => oauth.processPushedAuthorizationResponse(as, client, response),
)
say({ request_uri: pushed.request_uri })

for await (const line of readline.createInterface({ input: process.stdin })) {
  const answered = oauth.validateAuthResponse(as, client, new URL(line), 'st')
  const tokens = await twice(
    () =>
      oauth.authorizationCodeGrantRequest(as, client, oauth.None(), answered, callback, verifier, {
        DPoP,
        ...insecure,
      }),
    (response) => oauth.processAuthorizationCodeResponse(as, client, response),
  )
  const userinfo = await twice(
    () => oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...insecure }),
    (response) => oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, response),
  )
  say({ type: tokens.token_type, sub: userinfo.sub, jkt: await DPoP.calculateThumbprint() })
  break
}
