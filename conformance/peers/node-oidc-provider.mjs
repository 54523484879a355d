// node-oidc-provider with the clients of the benchmark: JWT access tokens, RS256 and ES256, everybody signed in.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const secret = 'bench-secret-of-more-than-32-characters';
const resource = 'https://api.bench.example/';
const key = (kind, options, more) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });
const service = (client_id) => ({ client_id, client_secret: secret, redirect_uris: [], response_types: [], grant_types: ['client_credentials'] });
const port = Number(process.env.PEER_PORT);

// The built-in adapter forgets after a thousand entries, fewer than the codes that are measured.
const kept = new Map();
class Adapter {
  constructor(kind) { this.kind = kind; }
  key(id) { return `${this.kind}:${id}`; }
  async upsert(id, payload) { kept.set(this.key(id), payload); }
  async find(id) { return kept.get(this.key(id)); }
  async findByUid(uid) { return [...kept.values()].find((payload) => payload.kind === 'Session' && payload.uid === uid); }
  async findByUserCode() { return undefined; }
  async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { kept.delete(this.key(id)); }
  async revokeByGrantId() {}
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter,
  jwks: { keys: [key('rsa', { modulusLength: 2048 }, { alg: 'RS256' }), key('ec', { namedCurve: 'P-256' }, { alg: 'ES256' })] },
  clients: [
    service('rs256'),
    service('es256'),
    { client_id: 'code', client_secret: secret, redirect_uris: ['https://bench.example/cb'], response_types: ['code'], grant_types: ['authorization_code'] },
  ],
  scopes: ['openid', 'books:read'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, __, client) => ({
        scope: 'books:read openid',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: client.clientId === 'es256' ? 'ES256' : 'RS256' } },
      }),
    },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  // One grant for all: a new one would end what the last gave.
  loadExistingGrant: async (ctx) => {
    const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid');
    grant.addResourceScope(resource, 'books:read openid');
    await grant.save();
    return grant;
  },
  ttl: { AuthorizationCode: 600 },
});

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) {
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'bench' } });
    ctx.respond = false;
    return;
  }
  await next();
});
provider.listen(port, '127.0.0.1');
