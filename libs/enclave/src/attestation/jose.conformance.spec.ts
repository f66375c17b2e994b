import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CompactSign, compactVerify, importJWK, type JWK } from 'jose';
import { systemClock } from '@protego/contracts';
import { memoryPlatform } from '../testing/memory-platform';
import { ed25519PrivateKeyObject } from '../primitives/ed25519';
import { type AttestationKey } from './attestation-key';
import { bytesOfBase64url } from './base64url';
import { verifyQuote, type AppraisalPolicy } from './verify-quote';

const VECTORS = resolve(__dirname, '..', '..', '..', '..', '..', 'shared', 'conformance', 'crypto', 'wycheproof');

interface Vector {
  tcId: number;
  comment: string;
  jws: string;
  result: 'valid' | 'invalid';
  key: JWK;
}

function vectorsOf(): Vector[] {
  const text = readFileSync(join(VECTORS, 'json_web_signature_test.json'), 'utf8');
  const { testGroups } = JSON.parse(text) as {
    testGroups: { private?: JWK; public?: JWK; tests: Omit<Vector, 'key'>[] }[];
  };
  return testGroups.flatMap(({ tests, ...keys }) =>
    tests.map((test) => ({ ...test, key: keys.public ?? keys.private ?? { kty: 'none' } })),
  );
}

function policyOf(key: unknown): AppraisalPolicy {
  const measurements = [Buffer.alloc(32)];
  return {
    platformKeys: [key as AttestationKey],
    nonce: Buffer.alloc(32),
    measurements,
    maxAgeMs: 1e12,
    clock: systemClock,
  };
}

async function codeOf(verification: Promise<unknown>): Promise<unknown> {
  return verification.then(
    () => 'accepted',
    (error: { code?: unknown }) => error.code,
  );
}

/** How many there are of each. */
function tally(texts: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[String(text)] = (counts[String(text)] ?? 0) + 1;
  return counts;
}

describe('JWS vectors against the verifier of quotes', () => {
  const vectors = vectorsOf();

  it('refuses all: none is signed with EdDSA, the one algorithm of quotes', async () => {
    const { attestationKey } = memoryPlatform({ seed: 'jose' });
    const codes = [];
    for (const { jws } of vectors) codes.push(await codeOf(verifyQuote(jws, policyOf(attestationKey))));
    process.stderr.write(`JWS vectors: ${JSON.stringify(tally(codes))} by the verifier of quotes\n`);
    expect(tally(codes)).toEqual({ ATTESTATION_INVALID: 401 });
  });

  it('refuses all with their own keys, which are none of a platform', async () => {
    const codes = [];
    for (const { jws, key } of vectors) codes.push(await codeOf(verifyQuote(jws, policyOf(key))));
    expect(tally(codes)).toEqual({ ATTESTATION_INVALID: 401 });
  });

  it('refuses each payload also when it is signed with EdDSA, as a token of another type', async () => {
    const seed = Buffer.alloc(32, 7);
    const platformKey = ed25519PrivateKeyObject(seed);
    const { attestationKey } = memoryPlatform({ seed: 'jose' });
    const codes = [];
    for (const { jws } of vectors) {
      const payload = Buffer.from(String(jws).split('.')[1] ?? '', 'base64url');
      const header = { alg: 'EdDSA', kid: attestationKey.kid, typ: 'JWT' };
      const again = await new CompactSign(payload).setProtectedHeader(header).sign(platformKey);
      codes.push(await codeOf(verifyQuote(again, policyOf(attestationKey))));
    }
    expect(tally(codes)).toEqual({ ATTESTATION_INVALID: 401 });
  });

  it('checks the spelling that jose lets pass', async () => {
    const accepted = [];
    for (const vector of vectors) if (await isAcceptedByJose(vector)) accepted.push(vector);
    const isCanonical = ({ jws }: Vector): boolean =>
      jws.split('.').every((part) => bytesOfBase64url(part) !== undefined);
    const lax = accepted.filter((vector) => !isCanonical(vector));
    const wrong = accepted.filter((vector) => isCanonical(vector) && vector.result === 'invalid');
    const ids = (found: Vector[]): number[] => found.map(({ tcId }) => tcId);
    process.stderr.write(
      `JWS vectors: of ${accepted.length} that jose accepts, refused for spelling: ${ids(lax).join(' ')}\n`,
    );
    expect(lax.every(({ result }) => result === 'invalid')).toBe(true);
    expect(ids(lax)).toEqual([360, 361, 362, 365, 366, 368, 369, 371, 375]);
    // These two carry, letter for letter, the text of a valid vector: nothing could refuse them.
    const valid = new Set(vectors.filter(({ result }) => result === 'valid').map(({ jws }) => jws));
    expect(wrong.every(({ jws }) => valid.has(jws))).toBe(true);
    expect(ids(wrong)).toEqual([367, 370]);
    expect(accepted).toHaveLength(51);
  });
});

/** Whether jose takes a JWS when it is bound to the algorithm of the key. */
async function isAcceptedByJose({ jws, key }: Vector): Promise<boolean> {
  const algorithm = key.alg ?? 'none';
  return Promise.resolve()
    .then(async () => compactVerify(jws, await importJWK(key, algorithm), { algorithms: [algorithm] }))
    .then(
      () => true,
      () => false,
    );
}
