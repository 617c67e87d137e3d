// node supply.js codes|grants COUNT [ALGORITHM]: makes so many, each of another user, through the provider's own models, and prints one
// line of JSON each: {"code"} or {"access_token", "refresh_token"}. ALGORITHM: codes for an ID token signed with it.

import { createHash, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';

import { makeProvider } from './provider.js';
import { redis } from './redis_adapter.js';

const { CLIENT_ID, REDIRECT_URI, VERIFIER } = process.env;
const algorithm = process.argv[4];
const SCOPE = algorithm ? 'openid read write' : 'read write';
const AT_ONCE = 200;
const challenge = createHash('sha256').update(VERIFIER).digest('base64url');

const provider = makeProvider();
const client = await provider.Client.find(algorithm ? process.env[`SIGNER_${algorithm}`] : CLIENT_ID);
const [kind, count] = [process.argv[2], Number(process.argv[3])];

async function newGrant(accountId) {
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(SCOPE);
  return grant.save();
}

async function whatAUserGets(number) {
  const accountId = `5f0c1e6a-7d2b-4c9e-8a31-${String(number).padStart(12, '0')}`;
  return { accountId, client, grantId: await newGrant(accountId), scope: SCOPE, authTime: Math.floor(Date.now() / 1000) };
}

const makers = {
  async codes(number) {
    const code = new provider.AuthorizationCode({
      ...await whatAUserGets(number), redirectUri: REDIRECT_URI, codeChallenge: challenge, codeChallengeMethod: 'S256',
      ...(algorithm && { nonce: randomBytes(16).toString('base64url') }),
    });
    return { code: await code.save() };
  },
  async grants(number) {
    const shared = { ...await whatAUserGets(number), gty: 'authorization_code' };
    const [access_token, refresh_token] = await Promise.all(
      [new provider.AccessToken(shared), new provider.RefreshToken({ ...shared, rotations: 0 })].map((token) => token.save()),
    );
    return { access_token, refresh_token };
  },
};

for (let made = 0; made < count; made += AT_ONCE) {
  const numbers = Array.from({ length: Math.min(AT_ONCE, count - made) }, (_, i) => made + i);
  const lines = (await Promise.all(numbers.map(makers[kind]))).map((one) => JSON.stringify(one));
  writeSync(1, `${lines.join('\n')}\n`);
}
await redis.quit();
