// A service that exchanges its user's token with oauth4webapi, discovery its only configuration. Prints JSON.
import * as oauth from 'oauth4webapi'

const [issuer, clientId, secret, subjectToken, audience] = process.argv.slice(2)
const insecure = { [oauth.allowInsecureRequests]: true }
const url = new URL(issuer)
const server = await oauth.processDiscoveryResponse(
  url,
  await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure }),
)
const client = { client_id: clientId }
const authentication = oauth.ClientSecretBasic(secret)
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const type = (name) => `urn:ietf:params:oauth:token-type:${name}`

async function tokenRequest(grant, parameters) {
  const response = await oauth.genericTokenEndpointRequest(server, client, authentication, grant, parameters, insecure)
  return oauth.processGenericTokenEndpointResponse(server, client, response, {
    recognizedTokenTypes: { n_a: () => {} },
  })
}

const own = await tokenRequest('client_credentials', {})
const exchange = (parameters) =>
  tokenRequest(grantType, { subject_token: subjectToken, subject_token_type: type('access_token'), ...parameters })
const exchanged = await exchange({
  audience,
  scope: 'read',
  actor_token: own.access_token,
  actor_token_type: type('access_token'),
})
const introspected = await oauth.processIntrospectionResponse(
  server,
  client,
  await oauth.introspectionRequest(server, client, authentication, exchanged.access_token, insecure),
)
const stated = await exchange({ requested_token_type: type('jwt'), audience: 'https://chat.example' })
const refused = await exchange({ audience: 'https://bank.example' }).catch((error) => error.error)
process.stdout.write(
  JSON.stringify({
    offered: server.grant_types_supported.includes(grantType),
    chained: server.identity_chaining_requested_token_types_supported,
    exchanged,
    introspected,
    stated: stated.token_type,
    refused,
  }),
)
