// An MCP client of the TypeScript SDK, as it is: `node mcp.js <server> <redirect URI> [<metadata URL>]`. It prints where a
// browser has to go, reads the URL that the browser comes back to, calls a tool, and once more with a token that it refreshed.
import { createInterface } from 'node:readline/promises'
import { auth, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [server, redirectUri, clientMetadataUrl] = process.argv.slice(2)
const kept = {}
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const provider = {
  redirectUrl: redirectUri,
  clientMetadataUrl,
  clientMetadata: {
    client_name: 'TypeScript client',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    client_uri: 'http://localhost:1/not-https',
    scope: ''
  },
  state: () => 'state-of-the-client',
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  redirectToAuthorization: (url) => say({ authorize: url.href })
}

const lines = createInterface({ input: process.stdin })
const connected = async () => {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(server), { authProvider: provider })
  try {
    await client.connect(transport)
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    const [back] = (await lines[Symbol.asyncIterator]().next()).value.split('\n')
    await transport.finishAuth(new URL(back).searchParams.get('code'))
    return connected()
  }
  return client
}

let client = await connected()
const added = await client.callTool({ name: 'add', arguments: { first: 2, second: 3 } })
await client.close()
const first = kept.tokens
const refreshed = await auth(provider, { serverUrl: server })
client = await connected()
const who = await client.callTool({ name: 'who_am_i', arguments: {} })
await client.close()
say({ client: kept.client, first, second: kept.tokens, refreshed, added: added.content[0].text, who: who.content[0].text })
process.exit(0)
