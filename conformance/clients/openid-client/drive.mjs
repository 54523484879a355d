// Drives a running server with the npm package openid-client.
//
//   node drive.mjs ISSUER
import * as client from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import assert from 'node:assert/strict';

const issuer = new URL(process.argv[2]);
const clientId = 'library-web';
const secret = 'published-test-secret-of-library-web';
const redirectUri = 'http://127.0.0.1:9876/callback';
const user = { username: 'alice', password: 'correct horse battery staple' };
const insecure = issuer.protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {};

// A browser in a few lines: cookies, redirects, and the forms of the sign-in and consent pages.
class Browser {
  cookies = new Map();

  async fetch(url, init = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', ...init.headers, ...(cookie && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^\s*([^=;]+)=([^;]*)/);
      if (value === '' || /;\s*max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  async walk(start) {
    let at = new URL(start);
    let response = await this.fetch(at);
    for (let step = 0; step < 20; step += 1) {
      const location = response.headers.get('location');
      if (location) {
        at = new URL(location, at);
        if (at.href.startsWith(redirectUri)) return at;
        response = await this.fetch(at);
        continue;
      }
      const page = await response.text();
      const form = readForms(page).find((f) => f.fields.has('username') || f.buttons.has('consent-approve'));
      if (!form) throw new Error(`stuck at ${at} (${response.status}): ${page.replace(/\s+/g, ' ').slice(0, 300)}`);
      if (form.fields.has('username')) {
        form.fields.set('username', user.username);
        form.fields.set('password', user.password);
      } else {
        form.fields.set(...form.buttons.get('consent-approve'));
      }
      at = new URL(form.action, at);
      response = await this.fetch(at, {
        method: 'POST',
        headers: { origin: at.origin, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams([...form.fields]),
      });
    }
    throw new Error('sent round in circles');
  }
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return named[name] ?? all;
  });
}

function readForms(page) {
  const attribute = (tag, name) => {
    const found = tag.match(new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
    return found ? unescape(found[1] ?? found[2] ?? found[3]) : '';
  };
  return [...page.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/gi)].map(([text]) => {
    const form = { action: attribute(text.match(/<form\b[^>]*>/i)[0], 'action'), fields: new Map(), buttons: new Map() };
    for (const [tag] of text.matchAll(/<(?:input|button)\b[^>]*>/gi)) {
      const type = attribute(tag, 'type') || (/^<button/i.test(tag) ? 'submit' : 'text');
      if (type === 'submit') form.buttons.set(attribute(tag, 'id'), [attribute(tag, 'name'), attribute(tag, 'value')]);
      else if (type !== 'checkbox' && type !== 'radio') form.fields.set(attribute(tag, 'name'), attribute(tag, 'value'));
    }
    return form;
  });
}

const context = {};
const steps = {
  async discovery() {
    context.config = await client.discovery(issuer, clientId, undefined, client.ClientSecretBasic(secret), insecure);
    assert.equal(context.config.serverMetadata().issuer, process.argv[2]);
  },

  async 'authorization code with PKCE'() {
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(context.config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const callback = await new Browser().walk(url);
    context.tokens = await client.authorizationCodeGrant(context.config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    assert.ok(context.tokens.refresh_token, 'no refresh token');
  },

  async 'offline verification of the access token'() {
    const jwks = createRemoteJWKSet(new URL(context.config.serverMetadata().jwks_uri));
    const { payload } = await jwtVerify(context.tokens.access_token, jwks, { issuer: process.argv[2], typ: 'at+jwt' });
    assert.equal(payload.client_id, clientId);
    assert.equal(payload.sub, context.tokens.claims().sub);
  },

  async userinfo() {
    const { sub } = context.tokens.claims();
    const claims = await client.fetchUserInfo(context.config, context.tokens.access_token, sub);
    assert.equal(claims.email, 'alice@example.test');
    assert.equal(claims.given_name, 'Alice');
  },

  async refresh() {
    const renewed = await client.refreshTokenGrant(context.config, context.tokens.refresh_token);
    assert.notEqual(renewed.access_token, context.tokens.access_token);
    assert.ok(renewed.refresh_token, 'no successor');
    context.tokens = { ...renewed };
  },

  async introspection() {
    const live = await client.tokenIntrospection(context.config, context.tokens.refresh_token);
    assert.equal(live.active, true);
  },

  async revocation() {
    await client.tokenRevocation(context.config, context.tokens.refresh_token);
    const dead = await client.tokenIntrospection(context.config, context.tokens.refresh_token);
    assert.equal(dead.active, false);
    await assert.rejects(client.refreshTokenGrant(context.config, context.tokens.refresh_token), { error: 'invalid_grant' });
  },

  async 'client credentials'() {
    const tokens = await client.clientCredentialsGrant(context.config, { scope: 'library:read' });
    assert.equal(tokens.token_type.toLowerCase(), 'bearer');
    assert.equal(tokens.refresh_token, undefined);
  },
};

let failed = false;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok openid-client: ${name}`);
  } catch (error) {
    failed = true;
    const detail = error.error ? ` (${error.error}: ${error.error_description})` : error.cause ? ` (${error.cause.message ?? error.cause})` : '';
    console.log(`FAILED openid-client: ${name}: ${String(error.message).replace(/\s+/g, ' ')}${detail}`);
  }
}
process.exitCode = failed ? 1 : 0;
