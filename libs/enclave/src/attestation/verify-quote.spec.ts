import { hash } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign } from 'jose';
import { isProtegoError, systemClock, type Clock } from '@protego/contracts';
import { deriveKey } from '../key-derivation';
import { identityOf } from '../measurement/enclave-identity';
import { type LaunchedEnclave } from '../platform/platform';
import { ed25519PrivateKeyObject } from '../primitives/ed25519';
import { X25519KeyPair } from '../primitives/x25519';
import { memoryPlatform } from '../testing/memory-platform';
import { sampleImage, type SampleEnclave } from '../testing/sample-enclaves';
import { type QuoteRequest } from './quote';
import { verifyQuote, type AppraisalPolicy } from './verify-quote';

const NOW_MS = Date.parse('2026-03-01T12:00:00.250Z');
const at = (wallMs: number): Clock => ({ ...systemClock, wallMs: () => wallMs });
const nonce = Buffer.alloc(32, 0xa5);
const channelKey = new X25519KeyPair(Buffer.alloc(32, 3)).publicKey;
const OURS = { author: 'a', securityVersion: 3 };
const REQUEST: QuoteRequest = {
  nonce,
  channelKey,
  memory: { isLocked: false, lockLimitBytes: 65_536, warning: 'the lock limit is too small' },
  software: { name: 'protego', version: '0.1.0' },
};
const { signer, measurement } = identityOf(sampleImage(OURS));

function platformAt(wallMs = NOW_MS, seed = 'quotes'): ReturnType<typeof memoryPlatform> {
  return memoryPlatform({ seed, clock: at(wallMs) });
}

function enclaveAt(sample: SampleEnclave = OURS, wallMs = NOW_MS): LaunchedEnclave {
  return platformAt(wallMs).launch(sampleImage(sample));
}

const POLICY: AppraisalPolicy = {
  platformKeys: [platformAt(NOW_MS, 'elsewhere').attestationKey, platformAt().attestationKey],
  nonce,
  measurements: [Buffer.alloc(32), measurement],
  maxAgeMs: 10_000,
  clock: at(NOW_MS + 100),
};

async function codeOf(quote: Promise<string> | string, change: Partial<AppraisalPolicy> = {}): Promise<string> {
  return verifyQuote(await quote, { ...POLICY, ...change }).then(
    () => 'verified',
    (error: unknown) => (isProtegoError(error) ? error.code : String(error)),
  );
}

/** A token that the platform signed, whatever it says: a platform with a mistake in it. */
async function signed(claims: unknown, header: Record<string, unknown> = {}): Promise<string> {
  const secret = Buffer.from(hash('sha256', 'protego fixed platform quotes', 'hex'), 'hex');
  const key = ed25519PrivateKeyObject(deriveKey(secret, 'attestation-key/1', 32));
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
  const { kid } = platformAt().attestationKey;
  return new CompactSign(Buffer.from(payload))
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'eat+jwt', ...header })
    .sign(key);
}

function claimsOf(quote: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(quote.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

describe('quote', () => {
  it('is an EAT that says who, where, when, and that it is emulated', async () => {
    const quote = await enclaveAt().quote(REQUEST);
    const [header = ''] = quote.split('.');
    const { platformId, attestationKey } = platformAt();
    const kid = attestationKey.kid;
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'EdDSA', kid, typ: 'eat+jwt' });
    expect(claimsOf(quote)).toEqual({
      eat_profile: 'urn:protego:eat:emulated:1',
      eat_nonce: nonce.toString('base64url'),
      ueid: Buffer.concat([Buffer.of(1), platformId]).toString('base64url'),
      hwmodel: 'cHJvdGVnby1lbXVsYXRlZA',
      dbgstat: 'disabled-since-boot',
      swname: 'protego',
      swversion: ['0.1.0'],
      cnf: { jwk: { kty: 'OKP', crv: 'X25519', x: channelKey.toString('base64url') } },
      iat: 1_772_366_400,
      exp: 1_772_366_461,
      protego: {
        emulated: true,
        measurement: measurement.toString('hex'),
        securityVersion: 3,
        signer: { id: signer?.signerId.toString('hex'), product: 'protego.enclave' },
        memory: { locked: false, lockLimitBytes: 65_536, warning: 'the lock limit is too small' },
      },
    });
  });

  it.each([
    { nonce: Buffer.alloc(15) },
    { nonce: Buffer.alloc(65) },
    { channelKey: Buffer.alloc(31) },
    { software: { name: '', version: '1' } },
    { software: { name: 'a', version: 'x'.repeat(513) } },
    { lifetimeMs: 0 },
    { lifetimeMs: 3_600_001 },
    { memory: { isLocked: true, lockLimitBytes: -1 } },
    { memory: { isLocked: true, lockLimitBytes: null, warning: 'x'.repeat(513) } },
  ])('is not made for %o', async (change) => {
    await expect(enclaveAt().quote({ ...REQUEST, ...change })).rejects.toMatchObject({ code: 'ATTESTATION_INVALID' });
  });
});

describe('appraisal', () => {
  it('verifies a fresh quote and says what it found', async () => {
    const quote = await enclaveAt().quote(REQUEST);
    const result = await verifyQuote(quote, { ...POLICY, signers: signer && [signer], minSecurityVersion: 3 });
    expect(result).toEqual({
      isEmulated: true,
      platformId: platformAt().platformId,
      measurement,
      isDebug: false,
      signer,
      securityVersion: 3,
      nonce,
      channelKey,
      memory: REQUEST.memory,
      software: REQUEST.software,
      issuedAtMs: 1_772_366_400_000,
      expiresAtMs: 1_772_366_461_000,
      quoteHash: Buffer.from(hash('sha256', quote, 'hex'), 'hex'),
      checks: ['signature', 'profile', 'freshness', 'debug off', 'measurement', 'signer', 'security version'],
    });
  });

  it('refuses a stale nonce, a debug enclave, an unknown measurement and a wrong key, each with its own code', async () => {
    const quote = enclaveAt().quote(REQUEST);
    const debug = { ...OURS, isDebug: true };
    const debugMeasurement = identityOf(sampleImage(debug)).measurement;
    const codes = {
      fresh: await codeOf(quote),
      nonce: await codeOf(quote, { nonce: Buffer.alloc(32, 0xa6) }),
      debug: await codeOf(enclaveAt(debug).quote(REQUEST), { measurements: [debugMeasurement] }),
      measurement: await codeOf(enclaveAt({ ...OURS, code: 'v2' }).quote(REQUEST)),
      key: await codeOf(platformAt(NOW_MS, 'unknown').launch(sampleImage(OURS)).quote(REQUEST)),
      malformed: await codeOf('not.a.quote'),
    };
    expect(codes).toEqual({
      fresh: 'verified',
      nonce: 'ATTESTATION_STALE',
      debug: 'ATTESTATION_DEBUG',
      measurement: 'ATTESTATION_MEASUREMENT',
      key: 'ATTESTATION_KEY',
      malformed: 'ATTESTATION_INVALID',
    });
  });

  it('takes the whole nonce, neither a longer nor a shorter one that begins the same', async () => {
    const longer = Buffer.concat([nonce, Buffer.alloc(16, 1)]);
    expect(await codeOf(enclaveAt().quote({ ...REQUEST, nonce: longer }))).toBe('ATTESTATION_STALE');
    expect(await codeOf(enclaveAt().quote({ ...REQUEST, nonce: longer }), { nonce: longer })).toBe('verified');
    const codes = [longer, nonce.subarray(0, -1), Buffer.alloc(0)].map((other) =>
      codeOf(enclaveAt().quote(REQUEST), { nonce: other }),
    );
    expect(await Promise.all(codes)).toEqual(['ATTESTATION_STALE', 'ATTESTATION_STALE', 'ATTESTATION_STALE']);
  });

  it('lets a debug enclave pass only when the policy says so', async () => {
    const debug = { ...OURS, isDebug: true };
    const measurements = [identityOf(sampleImage(debug)).measurement];
    const quote = await enclaveAt(debug).quote(REQUEST);
    expect(claimsOf(quote)['dbgstat']).toBe('enabled');
    expect(await codeOf(quote, { measurements, allowDebug: true })).toBe('verified');
    expect(await codeOf(quote, { allowDebug: true })).toBe('ATTESTATION_MEASUREMENT');
  });

  it.each([
    ['now', 0, 'verified'],
    ['within the age', 10_000, 'verified'],
    ['after the age', 12_001, 'ATTESTATION_STALE'],
    ['a little in the future', -1_700, 'verified'],
    ['far in the future', -3_000, 'ATTESTATION_STALE'],
  ])('asks how old a quote is: %s', async (_name, offsetMs, expected) => {
    const clock = at(Math.floor(NOW_MS / 1000) * 1000 + offsetMs);
    expect(await codeOf(enclaveAt().quote(REQUEST), { clock })).toBe(expected);
  });

  it('refuses an expired quote, however old it may be', async () => {
    const quote = enclaveAt().quote({ ...REQUEST, lifetimeMs: 5_000 });
    const policy = { maxAgeMs: 3_600_000, clockSkewMs: 0 };
    expect(await codeOf(quote, { ...policy, clock: at(NOW_MS + 4_999) })).toBe('verified');
    expect(await codeOf(quote, { ...policy, clock: at(NOW_MS + 6_000) })).toBe('ATTESTATION_STALE');
  });

  it('holds author, product and security version against the policy, and nothing passes a policy that allows nothing', async () => {
    if (signer === undefined) throw new Error('no signer');
    const quote = await enclaveAt().quote(REQUEST);
    const only = { measurements: undefined };
    expect(await codeOf(quote, { ...only, signers: [signer] })).toBe('verified');
    const refused = [
      only,
      { measurements: [] },
      { ...only, signers: [] },
      { ...only, signers: [{ ...signer, product: 'other' }] },
      { ...only, signers: [{ ...signer, signerId: Buffer.alloc(32) }] },
      { signers: [{ ...signer, product: 'other' }] },
      { minSecurityVersion: 4 },
    ];
    for (const change of refused) expect(await codeOf(quote, change)).toBe('ATTESTATION_MEASUREMENT');
    const unsigned = enclaveAt({}).quote(REQUEST);
    expect(await codeOf(unsigned, { ...only, signers: [signer] })).toBe('ATTESTATION_MEASUREMENT');
  });

  it('verifies nothing of which a bit was flipped, or which was cut or lengthened', async () => {
    const quote = await enclaveAt().quote(REQUEST);
    const codes = new Set<string>();
    for (let bit = 0; bit < 8 * quote.length; bit++) {
      const altered = Buffer.from(quote, 'latin1');
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      codes.add(await codeOf(altered.toString('latin1')));
    }
    expect([...codes].sort()).toEqual(['ATTESTATION_INVALID', 'ATTESTATION_KEY']);
    const others = [`${quote}=`, `${quote}.`, ` ${quote}`, quote.slice(0, -1), `${quote}A`, '', '..', 'a'.repeat(9000)];
    for (const text of others) expect(await codeOf(text)).toBe('ATTESTATION_INVALID');
  }, 60_000);

  it('takes one spelling of a signature only', async () => {
    const quote = await enclaveAt().quote(REQUEST);
    // The last letter carries four bits of the signature; the other two are given away by lax decoders.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(quote.slice(-1));
    for (const low of [1, 2, 3])
      expect(await codeOf(quote.slice(0, -1) + alphabet[last + low])).toBe('ATTESTATION_INVALID');
  });

  it('refuses other algorithms, types and headers, also from the platform itself', async () => {
    const claims = claimsOf(await enclaveAt().quote(REQUEST));
    expect(await codeOf(signed(claims))).toBe('verified');
    const headers = [{ typ: 'JWT' }, { typ: undefined }, { jku: 'https://example.org' }, { b64: true, crit: ['b64'] }];
    for (const header of [...headers, { cty: 'eat+jwt' }]) {
      expect(await codeOf(signed(claims, header))).toBe('ATTESTATION_INVALID');
    }
    expect(await codeOf(signed(claims, { kid: 'AAAA' }))).toBe('ATTESTATION_KEY');
    const [header = '', payload = ''] = (await signed(claims)).split('.');
    const none = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), alg: 'none' }),
    );
    for (const text of [`${none.toString('base64url')}.${payload}.`, `${header}.${payload}.`]) {
      expect(await codeOf(text)).toBe('ATTESTATION_INVALID');
    }
  });

  it('does not take the key of a symmetric algorithm, or any but those of its policy', async () => {
    const { attestationKey } = platformAt();
    const quote = await enclaveAt().quote(REQUEST);
    const keys = [
      { ...attestationKey, kty: 'oct' as 'OKP' },
      { ...attestationKey, crv: 'X25519' as 'Ed25519' },
      { ...attestationKey, x: 'AAAA' },
    ];
    for (const key of keys) expect(await codeOf(quote, { platformKeys: [key] })).toBe('ATTESTATION_KEY');
    expect(await codeOf(quote, { platformKeys: [] })).toBe('ATTESTATION_KEY');
    // A key id in the policy is only a name: the key decides.
    const renamed = { ...platformAt(NOW_MS, 'elsewhere').attestationKey, kid: attestationKey.kid };
    expect(await codeOf(quote, { platformKeys: [renamed] })).toBe('ATTESTATION_KEY');
  });

  it('refuses claims of another form, also from the platform itself', async () => {
    const claims = claimsOf(await enclaveAt().quote(REQUEST));
    const own = claims['protego'] as Record<string, unknown>;
    const changes = [
      ...Object.keys(claims).map((name) => ({ [name]: undefined })),
      ...Object.keys(claims).map((name) => ({ [name]: [null] })),
      { eat_profile: 'urn:protego:eat:hardware:1' },
      { hwmodel: Buffer.from('sev-snp').toString('base64url') },
      { ueid: Buffer.alloc(33, 1).toString('base64url') },
      { dbgstat: 'disabled' },
      { eat_nonce: 'AAAA' },
      { iat: 1.5 },
      { exp: -1 },
      { cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: channelKey.toString('base64url') } } },
      ...['measurement', 'securityVersion', 'memory', 'emulated'].map((name) => ({
        protego: { ...own, [name]: null },
      })),
      { protego: { ...own, emulated: false } },
      { protego: { ...own, signer: 7 } },
      { protego: { ...own, measurement: measurement.toString('hex').toUpperCase() } },
    ];
    for (const change of changes) expect(await codeOf(signed({ ...claims, ...change }))).toBe('ATTESTATION_INVALID');
    for (const text of ['', '[]', '{', 'null']) expect(await codeOf(signed(text))).toBe('ATTESTATION_INVALID');
    expect(await codeOf(signed({ ...claims, extra: 'left aside' }))).toBe('verified');
  });

  it('throws nothing but its own refusals for any text', async () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    const text = fc.oneof(
      fc.string(),
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (quote) => {
        expect(await codeOf(quote)).toMatch(/^ATTESTATION_/);
      }),
      { numRuns: 500 },
    );
  });
});
