// node-oidc-provider with the same features on as Mintmark in the bench, and nothing else.

import { generateKeyPairSync } from 'node:crypto';

import { Provider } from 'oidc-provider';

import { RedisAdapter } from './redis_adapter.js';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, ASSERTING, ASSERTING_KEY } = process.env;
const clientsBy = (prefix) => ['ES256', 'RS256'].map((alg) => [alg, process.env[`${prefix}_${alg}`]]);
const signers = clientsBy('SIGNER'); // clients that get ID tokens
const jwtClients = new Map(clientsBy('JWT_CLIENT').map(([alg, id]) => [id, alg])); // clients whose access tokens are JWTs
const API = 'https://api.example.com';
const off = { enabled: false };
const on = { enabled: true };
const DAY = 86400;
const keys = [
  { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' },
  { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' },
];

const ownTokens = (_, client, token) => token.clientId === client.clientId;

const registered = (client_id, scope, id_token_signed_response_alg) => ({
  client_id,
  client_secret: CLIENT_SECRET,
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['authorization_code', 'client_credentials', 'refresh_token'],
  redirect_uris: [REDIRECT_URI],
  scope,
  id_token_signed_response_alg,
});

const asserting = () => {
  const { client_secret, ...others } = registered(ASSERTING, 'read write', 'ES256');
  return {
    ...others,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [JSON.parse(ASSERTING_KEY)] },
  };
};

export function makeProvider() {
  return new Provider(ISSUER, {
    adapter: RedisAdapter,
    clients: [
      registered(CLIENT_ID, 'read write', 'ES256'),
      ...signers.map(([alg, id]) => registered(id, 'openid read write', alg)),
      ...[...jwtClients.keys()].map((id) => registered(id, 'read write', 'ES256')),
      asserting(),
    ],
    enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256'] },
    scopes: ['read', 'write'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    features: {
      clientCredentials: on,
      introspection: { ...on, allowedPolicy: ownTokens },
      revocation: { ...on, allowedPolicy: ownTokens },
      devInteractions: off,
      dPoP: on,
      pushedAuthorizationRequests: on,
      resourceIndicators: {
        ...on,
        defaultResource: async (_, client) => (jwtClients.has(client.clientId) ? API : undefined),
        getResourceServerInfo: async (_, __, client) => ({
          scope: 'read write', accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg: jwtClients.get(client.clientId) } },
        }),
      },
      rpInitiatedLogout: off,
      userinfo: off,
    },
    findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    jwks: { keys },
    pkce: { required: () => false },
    ttl: { AccessToken: 3600, AuthorizationCode: DAY, ClientCredentials: 3600, Grant: 14 * DAY, RefreshToken: 14 * DAY },
  });
}
