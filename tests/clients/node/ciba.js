// A CIBA request as openid-client makes it: it asks for a user who is elsewhere, and polls. Speaks in JSON lines.
import * as client from 'openid-client'

const [issuer, clientId, secret] = process.argv.slice(2)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const config = await client.discovery(new URL(issuer), clientId, secret, undefined, {
  execute: [client.allowInsecureRequests],
})
const started = await client.initiateBackchannelAuthentication(config, {
  scope: 'openid offline_access read',
  login_hint: 'alice',
  binding_message: 'W4SCT',
})
say(started)
try {
  const tokens = await client.pollBackchannelAuthenticationGrant(config, started)
  say({ scope: tokens.scope, sub: tokens.claims().sub, refreshable: !!tokens.refresh_token })
} catch (error) {
  say({ error: error.error ?? String(error) })
}
