// A client that pushes signed requests, and wants signed responses and tokens bound to its key. Prints JSON lines: where its
// user has to go; after each line that it reads, where the user came back to, what came of it. Where the service has a key for
// that, it encrypts its requests; with a key of its own for that, it reads encrypted ID tokens.
import readline from 'node:readline'
import { CompactEncrypt, importJWK } from 'jose'
import * as client from 'openid-client'

const [issuer, clientId, jwk, decryptionJwk] = process.argv.slice(2)
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
if (decryptionJwk) {
  const own = { name: 'ECDH', namedCurve: 'P-256' }
  const decryptionKey = await crypto.subtle.importKey('jwk', JSON.parse(decryptionJwk), own, false, ['deriveBits'])
  client.enableDecryptingResponses(config, ['A256GCM'], { key: decryptionKey, kid: 'enc' })
}
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const verifier = client.randomPKCECodeVerifier()
const [state, nonce] = [client.randomState(), client.randomNonce()]

const encrypted = async (request) => {
  const { jwks_uri, request_object_encryption_alg_values_supported: offered } = config.serverMetadata()
  if (!offered) return request
  const { keys } = await (await fetch(jwks_uri)).json()
  const theirs = keys.find((one) => one.use === 'enc' && one.alg === offered[0])
  return new CompactEncrypt(new TextEncoder().encode(request))
    .setProtectedHeader({ alg: theirs.alg, enc: 'A256GCM', kid: theirs.kid, cty: 'oauth-authz-req+jwt' })
    .encrypt(await importJWK(theirs, theirs.alg))
}

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
  signed.searchParams.set('request', await encrypted(signed.searchParams.get('request')))
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
