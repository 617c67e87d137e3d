// A client that asks for a payment with openid-client, pushed or not: discovery is its only configuration. Prints JSON lines.
import http from 'node:http'
import * as client from 'openid-client'

const [issuer, clientId, secret, port, way] = process.argv.slice(2)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const config = await client.discovery(new URL(issuer), clientId, secret, undefined, {
  execute: [client.allowInsecureRequests],
})
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const details = [
  { type: 'payment', instructedAmount: { amount: '45.00', currency: 'EUR' }, creditorName: 'Merchant A' },
  { type: 'account_information', actions: ['list', 'read'] },
]

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, origin)
  try {
    if (url.pathname === '/') {
      const parameters = {
        redirect_uri: `${origin}/callback`,
        scope: 'openid offline_access',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        authorization_details: JSON.stringify(details),
        state,
      }
      const to =
        way === 'pushed'
          ? await client.buildAuthorizationUrlWithPAR(config, parameters)
          : client.buildAuthorizationUrl(config, parameters)
      response.writeHead(302, { location: to.href }).end()
      return
    }
    const tokens = await client.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state })
    const narrowed = await client.refreshTokenGrant(config, tokens.refresh_token, {
      authorization_details: JSON.stringify([{ type: 'account_information', actions: ['list'] }]),
    })
    const introspected = await client.tokenIntrospection(config, narrowed.access_token)
    const refused = await client
      .refreshTokenGrant(config, narrowed.refresh_token, { authorization_details: '[{"type":"payment"}]' })
      .catch((error) => error.error)
    say({
      offered: config.serverMetadata().authorization_details_types_supported,
      granted: tokens.authorization_details,
      narrowed: narrowed.authorization_details,
      introspected: introspected.authorization_details,
      refused,
    })
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>paid</title><h1>Paid</h1>')
  } catch (error) {
    say({ failed: String(error), cause: error.cause ?? null })
    response.writeHead(500).end('failed')
  }
})
const origin = `http://127.0.0.1:${port}`
server.listen(Number(port), '127.0.0.1', () => say({ ready: origin }))
