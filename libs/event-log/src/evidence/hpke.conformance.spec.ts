import { createCipheriv, createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { hpkeKeys } from './standalone/verify-bundle';

const VECTORS = resolve(__dirname, '../../../../../shared/conformance/crypto/hpke/rfc9180.json');

interface Vector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly enc: string;
  readonly encryptions_accumulated: string;
}

function privateKeyOf(secret: string, publicKey: string): KeyObject {
  const b64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
  return createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', d: b64(secret), x: b64(publicKey) }, format: 'jwk' });
}

/** SHAKE128 of nothing, read piece by piece: the source of random input that the vectors were made with. */
function drawer(): () => Buffer {
  const stream = createHash('shake128', { outputLength: 1 << 20 }).digest();
  let at = 0;
  return () => {
    const length = stream[at++] as number;
    at += length;
    return stream.subarray(at - length, at);
  };
}

/** What the RFC's sender makes of 1,000 messages, sealed under the keys that the receiver derives. */
function accumulated({ key, nonce }: { key: Buffer; nonce: Buffer }): string {
  const draw = drawer();
  const sink = createHash('shake128', { outputLength: 16 });
  for (let i = 0; i < 1_000; i++) {
    const additional = draw();
    const plain = draw();
    const own = Buffer.from(nonce);
    own.writeUInt32BE((own.readUInt32BE(8) ^ i) >>> 0, 8);
    const cipher = createCipheriv('aes-256-gcm', key, own).setAAD(additional);
    sink.update(Buffer.concat([cipher.update(plain), cipher.final()]));
    sink.update(cipher.getAuthTag());
  }
  return sink.digest('hex');
}

describe('the RFC 9180 vectors', () => {
  it('gives the keys of base mode with X25519, HKDF-SHA256 and AES-256-GCM', () => {
    const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vector[];
    const ours = vectors.filter(
      ({ mode, kem_id, kdf_id, aead_id }) => mode === 0 && kem_id === 0x20 && kdf_id === 1 && aead_id === 2,
    );
    expect(ours).toHaveLength(1);
    for (const vector of ours) {
      const key = privateKeyOf(vector.skRm, vector.pkRm);
      const keys = hpkeKeys(key, Buffer.from(vector.enc, 'hex'), Buffer.from(vector.info, 'hex'));
      expect(accumulated(keys)).toBe(vector.encryptions_accumulated);
    }
  });
});
