// The device flow as oauth4webapi does it, bound to a key if asked: it shows a code and polls (RFC 8628). Speaks in JSON lines.
import * as oauth from 'oauth4webapi'

const [issuer, clientId, bound] = process.argv.slice(2)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const insecure = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(
  new URL(issuer),
  await oauth.discoveryRequest(new URL(issuer), insecure),
)
const client = { client_id: clientId }
const DPoP = bound === 'bound' ? oauth.DPoP(client, await oauth.generateKeyPair('ES256')) : undefined
const parameters = new URLSearchParams({ scope: 'openid offline_access read' })
if (DPoP) parameters.set('dpop_jkt', await DPoP.calculateThumbprint())
const device = await oauth.processDeviceAuthorizationResponse(
  as,
  client,
  await oauth.deviceAuthorizationRequest(as, client, oauth.None(), parameters, insecure),
)
say(device)

const told = []
let interval = device.interval
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, interval * 1000))
  const response = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), device.device_code, { DPoP, ...insecure })
  try {
    const tokens = await oauth.processDeviceCodeResponse(as, client, response)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    say({ told, type: tokens.token_type, scope: tokens.scope, sub: claims.sub, refreshable: !!tokens.refresh_token })
    break
  } catch (error) {
    if (!(error instanceof oauth.ResponseBodyError)) throw error
    told.push(error.error)
    if (error.error === 'slow_down') interval += 5
    else if (error.error !== 'authorization_pending') {
      say({ told })
      break
    }
  }
}
