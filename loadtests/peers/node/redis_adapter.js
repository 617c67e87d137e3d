// Keeps node-oidc-provider's records in Redis under the keys of its own example adapter, with fewer round trips: a write is
// one transaction, or one command. AUTO_PIPELINING=yes lets concurrent requests share pipelines too (transactions never do),
// as Mintmark's do: ioredis leaves that off, so it is measured apart.
//
// oidc:<Model>:<id>     string of JSON; hash of payload and consumed for what is used once
// oidc:grant:<grantId>  list of the keys that a grant issued; lives as long as the longest of them (EXPIRE NX, GT: Redis ≥ 7)
// oidc:uid:<uid>, oidc:userCode:<code>  the id behind it

import { Redis } from 'ioredis';

export const redis = new Redis(process.env.REDIS_URL, {
  keyPrefix: 'oidc:',
  enableAutoPipelining: process.env.AUTO_PIPELINING === 'yes',
});

const USED_ONCE = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest']);
const OF_A_GRANT = new Set([...USED_ONCE, 'AccessToken']);

async function allOrNothing(steps) {
  if (steps.length === 1) {
    const [[command, ...rest]] = steps;
    await redis[command](...rest);
    return;
  }
  for (const [error] of await redis.multi(steps).exec()) if (error) throw error;
}

const grantKey = (grantId) => `grant:${grantId}`;

export class RedisAdapter {
  constructor(model) {
    this.model = model;
    this.usedOnce = USED_ONCE.has(model);
    this.ofGrant = OF_A_GRANT.has(model);
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  /** Write a record that ends after so many seconds; with its place in the grant's list. */
  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    const text = JSON.stringify(payload);
    const ends = expiresIn ? ['EX', expiresIn] : [];
    const steps = [this.usedOnce ? ['hset', key, 'payload', text] : ['set', key, text, ...ends]];
    if (this.usedOnce && expiresIn) steps.push(['expire', key, expiresIn]);
    if (this.ofGrant && payload.grantId) {
      const list = grantKey(payload.grantId);
      steps.push(['rpush', list, key]);
      if (expiresIn) steps.push(['expire', list, expiresIn, 'NX'], ['expire', list, expiresIn, 'GT']);
    }
    if (payload.uid) steps.push(['set', `uid:${payload.uid}`, id, ...ends]);
    if (payload.userCode) steps.push(['set', `userCode:${payload.userCode}`, id, ...ends]);
    await allOrNothing(steps);
  }

  async find(id) {
    if (!this.usedOnce) {
      const text = await redis.get(this.key(id));
      return text ? JSON.parse(text) : undefined;
    }
    const [payload, consumed] = await redis.hmget(this.key(id), 'payload', 'consumed');
    if (!payload) return undefined;
    return consumed ? { ...JSON.parse(payload), consumed: Number(consumed) } : JSON.parse(payload);
  }

  async findByUid(uid) {
    return this.find(await redis.get(`uid:${uid}`));
  }

  async findByUserCode(userCode) {
    return this.find(await redis.get(`userCode:${userCode}`));
  }

  async consume(id) {
    await redis.hset(this.key(id), 'consumed', Math.floor(Date.now() / 1000));
  }

  async destroy(id) {
    await redis.del(this.key(id));
  }

  async revokeByGrantId(grantId) {
    const list = grantKey(grantId);
    const keys = await redis.lrange(list, 0, -1);
    await redis.del(list, ...keys);
  }
}
