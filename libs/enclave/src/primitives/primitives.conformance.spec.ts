import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isProtegoError, type ErrorCode } from '@protego/contracts';
import { openAesGcm, sealAesGcm } from './aes-gcm';
import { argon2Hash, type Argon2Variant } from './argon2';
import { isEd25519Signature } from './ed25519';
import { hkdfSha256 } from './hkdf';
import { hmacSha256, isHmacSha256 } from './hmac';
import { X25519KeyPair } from './x25519';

const VECTORS = resolve(__dirname, '..', '..', '..', '..', '..', 'shared', 'conformance', 'crypto');

interface Vector {
  tcId: number;
  result: 'valid' | 'invalid' | 'acceptable';
  flags: string[];
}

interface Group<T> {
  tests: (T & Vector)[];
}

/** What a wrapper made of a vector: `unsupported` is a refusal for its form, before anything was computed. */
type Outcome = 'accepted' | 'refused' | 'unsupported';

/** Number of vectors by what they are and what became of them, such as `valid accepted`. */
type Counts = Record<string, number>;

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

function groupsOf<G>(name: string): G[] {
  const file = readFileSync(join(VECTORS, 'wycheproof', `${name}_test.json`), 'utf8');
  return (JSON.parse(file) as { testGroups: G[] }).testGroups;
}

/** Runs each vector; says on stderr what was counted and which vectors are unsupported. */
function judge<T extends Vector>(name: string, vectors: readonly T[], check: (vector: T) => boolean): Counts {
  const counts: Counts = {};
  const unsupported: number[] = [];
  for (const vector of vectors) {
    const outcome = outcomeOf(() => check(vector));
    const key = `${vector.result} ${outcome}`;
    counts[key] = (counts[key] ?? 0) + 1;
    if (outcome === 'unsupported') unsupported.push(vector.tcId);
  }
  process.stderr.write(`${name} vectors: ${JSON.stringify(counts)}; unsupported: ${rangesOf(unsupported)}\n`);
  return counts;
}

function outcomeOf(check: () => boolean): Outcome {
  try {
    return check() ? 'accepted' : 'refused';
  } catch (error) {
    const code: ErrorCode = isProtegoError(error) ? error.code : 'INTERNAL';
    if (code === 'CRYPTO_UNSUPPORTED') {
      expect((error as Error).message).toMatch(/not|too few|does not take/);
      return 'unsupported';
    }
    expect(code).toBe('CRYPTO_REFUSED');
    return 'refused';
  }
}

function rangesOf(ids: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const id of ids) {
    const last = ranges.at(-1);
    if (last?.[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, end]) => (first === end ? `${first}` : `${first}-${end}`)).join(' ') || 'none';
}

interface AeadTest {
  key: string;
  iv: string;
  aad: string;
  msg: string;
  ct: string;
  tag: string;
}

describe('vectors of the primitives', () => {
  it('AES-GCM: seals and opens what is valid, opens nothing else, and takes 96-bit nonces only', () => {
    const groups = groupsOf<Group<AeadTest> & { ivSize: number; tagSize: number }>('aes_gcm');
    const check = ({ key, iv, aad, msg, ct, tag }: AeadTest): boolean => {
      const input = { key: hex(key), nonce: hex(iv), additionalData: hex(aad) };
      const isOpened = openAesGcm(input, hex(ct + tag)).equals(hex(msg));
      return isOpened && sealAesGcm(input, hex(msg)).equals(hex(ct + tag));
    };
    const counts = judge(
      'AES-GCM',
      groups.flatMap(({ tests }) => tests),
      check,
    );
    const odd = groups.filter(({ ivSize, tagSize }) => ivSize !== 96 || tagSize !== 128).flatMap(({ tests }) => tests);
    expect(odd.map((test) => outcomeOf(() => check(test)))).toEqual(odd.map(() => 'unsupported'));
    expect(counts).toEqual({
      'valid accepted': 116,
      'invalid refused': 81,
      'valid unsupported': 113,
      'invalid unsupported': 6,
    });
  });

  it('HKDF-SHA256: derives every key, and refuses lengths that HKDF cannot give', () => {
    type Test = { ikm: string; salt: string; info: string; size: number; okm: string };
    const vectors = groupsOf<Group<Test>>('hkdf_sha256').flatMap(({ tests }) => tests);
    const counts = judge('HKDF-SHA256', vectors, ({ ikm, salt, info, size, okm }) =>
      hkdfSha256(hex(ikm), hex(salt), hex(info), size).equals(hex(okm)),
    );
    expect(counts).toEqual({ 'valid accepted': 83, 'invalid unsupported': 3 });
  });

  it('HMAC-SHA256: verifies whole tags, and takes no others', () => {
    type Test = { key: string; msg: string; tag: string };
    const vectors = groupsOf<Group<Test>>('hmac_sha256').flatMap(({ tests }) => tests);
    const counts = judge('HMAC-SHA256', vectors, ({ key, msg, tag, result }) => {
      const isGenuine = isHmacSha256(hex(key), hex(msg), hex(tag));
      expect(hmacSha256(hex(key), hex(msg)).equals(hex(tag))).toBe(result === 'valid');
      return isGenuine;
    });
    expect(counts).toEqual({
      'valid accepted': 33,
      'invalid refused': 54,
      'valid unsupported': 33,
      'invalid unsupported': 54,
    });
  });

  it('Ed25519: verifies what is valid and nothing else; a signature of another length is unsupported', () => {
    type Test = { msg: string; sig: string };
    const groups = groupsOf<Group<Test> & { publicKey: { pk: string } }>('ed25519');
    const vectors = groups.flatMap(({ tests, publicKey }) => tests.map((test) => ({ ...test, pk: publicKey.pk })));
    const counts = judge('Ed25519', vectors, ({ pk, msg, sig }) => isEd25519Signature(hex(pk), hex(msg), hex(sig)));
    const short = vectors.filter(({ sig }) => sig.length !== 128).length;
    expect(counts).toEqual({ 'valid accepted': 88, 'invalid refused': 63 - short, 'invalid unsupported': short });
  });

  it('X25519: agrees on every secret, and refuses those that are zero whatever our key is', () => {
    type Test = { public: string; private: string; shared: string };
    const vectors = groupsOf<Group<Test>>('x25519').flatMap(({ tests }) => tests);
    const counts = judge('X25519', vectors, (vector) => {
      const pair = new X25519KeyPair(hex(vector.private));
      return pair.agree(hex(vector.public)).equals(hex(vector.shared));
    });
    // Acceptable are keys on the twist, in another spelling or of small order. RFC 7748 asks to take the first two,
    // which are taken; of the last, the secret is zero, and they are refused.
    const zero = vectors.filter(({ flags }) => flags.includes('ZeroSharedSecret'));
    expect(zero.every(({ result, shared }) => result === 'acceptable' && /^0+$/.test(shared))).toBe(true);
    expect(zero).toHaveLength(31);
    expect(counts).toEqual({ 'valid accepted': 264, 'acceptable accepted': 223, 'acceptable refused': 31 });
  });

  it.each(['argon2d', 'argon2i', 'argon2id'] as const)('%s: gives the tags of both versions', async (variant) => {
    for (const version of [16, 19] as const) {
      const trace = traceOf(`${variant}${version === 16 ? '_v16' : ''}`);
      expect(trace.version).toBe(version);
      expect(await argon2Hash({ ...trace.input, variant, version })).toEqual(trace.tag);
    }
    process.stderr.write(`${variant} vectors: {"valid accepted":2}; unsupported: none\n`);
  });
});

function traceOf(name: string): { version: number; tag: Buffer; input: Parameters<typeof argon2Hash>[0] } {
  const text = gunzipSync(readFileSync(join(VECTORS, 'argon2', `${name}.txt.gz`))).toString('latin1');
  const bytes = (field: string): Buffer =>
    hex(new RegExp(`^${field}.*?: (.*)$`, 'm').exec(text)?.[1]?.replace(/ /g, '') ?? '');
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1]);
  const tag = bytes('Tag');
  return {
    version: number(/version number (\d+)/),
    tag,
    input: {
      password: bytes('Password'),
      salt: bytes('Salt'),
      secret: bytes('Secret'),
      associatedData: bytes('Associated data'),
      memoryKib: number(/Memory: (\d+) KiB/),
      passes: number(/Iterations: (\d+)/),
      lanes: number(/Parallelism: (\d+) lanes/),
      bytes: tag.length,
      variant: name.split('_')[0] as Argon2Variant,
    },
  };
}
