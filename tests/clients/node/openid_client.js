// A site that signs people in with openid-client: discovery is its only configuration. Prints JSON lines.
import http from 'node:http'
import * as client from 'openid-client'

const [issuer, clientId, secret] = process.argv.slice(2)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const config = await client.discovery(new URL(issuer), clientId, secret, undefined, {
  execute: [client.allowInsecureRequests],
})
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, origin)
  if (url.pathname === '/') {
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: `${origin}/callback`,
      scope: 'openid profile email offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    response.writeHead(302, { location: to.href }).end()
  } else if (url.pathname === '/callback') {
    try {
      const tokens = await client.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
      })
      const claims = tokens.claims()
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
      const introspected = await client.tokenIntrospection(config, refreshed.access_token)
      await client.tokenRevocation(config, refreshed.refresh_token)
      const after = await client.tokenIntrospection(config, refreshed.access_token)
      const end = client.buildEndSessionUrl(config, {
        id_token_hint: refreshed.id_token,
        post_logout_redirect_uri: `${origin}/out`,
      })
      say({ claims, userinfo, active: introspected.active, after: after.active })
      response.writeHead(302, { location: end.href }).end()
    } catch (error) {
      say({ failed: String(error), cause: String(error.cause) })
      response.writeHead(500).end('failed')
    }
  } else {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>out</title><h1>Goodbye</h1>')
  }
})
const origin = `http://127.0.0.1:${process.argv[5]}`
server.listen(Number(process.argv[5]), '127.0.0.1', () => say({ ready: origin }))
