// A client that knows only an API: it asks it, follows the challenge to the metadata, and finds the token service (RFC 9728).
import * as oauth from 'oauth4webapi'

const [resource] = process.argv.slice(2)
const insecure = { [oauth.allowInsecureRequests]: true }
const refused = await fetch(resource)
const pointed = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate'))[1]
const response = await oauth.resourceDiscoveryRequest(new URL(resource), insecure)
const metadata = await oauth.processResourceDiscoveryResponse(new URL(resource), response)
const server = new URL(metadata.authorization_servers[0])
const found = await oauth.processDiscoveryResponse(server, await oauth.discoveryRequest(server, insecure))
process.stdout.write(JSON.stringify({ status: refused.status, pointed, metadata, issuer: found.issuer }) + '\n')
