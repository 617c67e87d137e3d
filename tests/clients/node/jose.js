// node jose.js ISSUER PRIVATE_JWK: authenticates with an assertion of its own making, gets a JWT access token, verifies it by
// the issuer's keys, has it introspected as a signed response, exchanges an assertion about alice, and prints what it saw.

import { SignJWT, createRemoteJWKSet, importJWK, jwtVerify } from 'jose';

const [issuer, text] = process.argv.slice(2);
const jwk = JSON.parse(text);
const key = await importJWK(jwk, jwk.alg);
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

const assertion = (subject) => new SignJWT({})
  .setProtectedHeader({ alg: jwk.alg, kid: jwk.kid })
  .setIssuer('app').setSubject(subject).setAudience(issuer)
  .setIssuedAt().setExpirationTime('1m').setJti(crypto.randomUUID())
  .sign(key);

async function post(path, form, headers = {}) {
  const proof = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertion('app'),
  };
  return fetch(issuer + path, { method: 'POST', body: new URLSearchParams({ ...form, ...proof }), headers });
}

const { access_token: token } = await (await post('/token', { grant_type: 'client_credentials', scope: 'read' })).json();
const verified = await jwtVerify(token, keys, { issuer, audience: 'https://api.example.com', typ: 'at+jwt' });

const typ = 'token-introspection+jwt';
const signed = await (await post('/introspect', { token }, { accept: `application/${typ}` })).text();
const introspected = await jwtVerify(signed, keys, { issuer, audience: 'app', typ });

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const vouched = await (await post('/token', { grant_type: grant, assertion: await assertion('alice') })).json();
const alice = await jwtVerify(vouched.access_token, keys, { issuer, typ: 'at+jwt' });

console.log(JSON.stringify({
  client: verified.payload.client_id,
  active: introspected.payload.token_introspection.active,
  subject: alice.payload.sub,
}));
