import { createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { crypto_generichash } from 'sodium-native';
import {
  SLOT_KINDS,
  openSlot,
  paddedPlaintext,
  readSealedPart,
  recordKeyOf,
  sealSlots,
  type SealedSlot,
  type SlotInput,
  type SlotOwner,
} from './sealed-part';

function owner(): SlotOwner & { readonly key: Buffer } {
  const key = randomBytes(32);
  return { keyId: randomBytes(16), key, lendKey: () => key };
}
const input = (owners: SlotInput['owners'], text: string, kind: SlotInput['kind'] = SLOT_KINDS.staff): SlotInput => ({
  kind,
  owners,
  plaintext: paddedPlaintext(text),
});

describe('a sealed part', () => {
  const [a, b] = [owner(), owner()];

  it('is laid out as documented, and opens with Node alone', () => {
    const sealed = sealSlots([
      input([a], '["x"]'),
      input([a, b], '["a text of more than sixteen bytes"]', SLOT_KINDS.text),
    ]);
    const salt = sealed.subarray(1, 17);
    expect([sealed[0], sealed.readUInt16BE(17)]).toEqual([1, 2]);
    let at = 19;
    [[a], [a, b]].forEach((owners, slot) => {
      const kind = sealed[at] as number;
      const keyCount = sealed.readUInt16BE(at + 1);
      expect([kind, keyCount]).toEqual([slot === 0 ? 1 : 3, owners.length]);
      at += 3;
      for (const { keyId } of owners) {
        expect(sealed.subarray(at, at + 16)).toEqual(keyId);
        at += 16;
      }
      const commitment = sealed.subarray(at, at + 32);
      const bytes = sealed.readUInt32BE(at + 32);
      const ciphertext = sealed.subarray(at + 36, at + 36 + bytes);
      at += 36 + bytes;

      const place = Buffer.concat([salt, Buffer.from([0, slot])]);
      const perPerson = owners.map(({ key }) => {
        const part = Buffer.alloc(32);
        crypto_generichash(part, place, key);
        return part;
      });
      const recordKey = Buffer.alloc(32);
      if (perPerson.length === 1) perPerson[0]?.copy(recordKey);
      else crypto_generichash(recordKey, Buffer.concat(perPerson));
      expect(recordKeyOf(salt, slot, owners)).toEqual(recordKey);
      expect(createHash('sha256').update('protego/commit/1').update(recordKey).digest()).toEqual(commitment);

      const decipher = createDecipheriv('chacha20-poly1305', recordKey, Buffer.alloc(12), { authTagLength: 16 });
      const plaintextBytes = bytes - 16;
      decipher.setAAD(Buffer.concat([Buffer.from([1]), place, Buffer.from([kind])]), {
        plaintextLength: plaintextBytes,
      });
      decipher.setAuthTag(ciphertext.subarray(plaintextBytes));
      const text = Buffer.concat([
        decipher.update(ciphertext.subarray(0, plaintextBytes)),
        decipher.final(),
      ]).toString();
      expect(text.length % 16).toBe(0);
      expect(JSON.parse(text)).toEqual([slot === 0 ? 'x' : 'a text of more than sixteen bytes']);
    });
    expect(at).toBe(sealed.length);
  });

  it('takes no second key for a slot, nor a slot in another place', () => {
    const sealed = sealSlots([input([a], '[]'), input([a], '[]')]);
    const part = readSealedPart(sealed);
    const [first, second] = part.slots as [SealedSlot, SealedSlot];
    const keys = [0, 1].map((slot) => recordKeyOf(part.salt, slot, [a])) as [Buffer, Buffer];
    expect(openSlot(part, first, keys[0])?.toString().trim()).toBe('[]');
    expect(openSlot(part, first, keys[1])).toBeUndefined();
    expect(openSlot(part, first, Buffer.alloc(31))).toBeUndefined();
    const moved = { ...first, slot: 1 };
    expect(() => openSlot(part, moved, keys[0])).toThrow(expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }));
    // A forger who commits to another key cannot make the old ciphertext open with it.
    const commitment = createHash('sha256').update('protego/commit/1').update(keys[1]).digest();
    expect(() => openSlot(part, { ...first, commitment }, keys[1])).toThrow(
      expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }),
    );
    expect(second.slot).toBe(1);
  });

  it('never uses a salt twice', () => {
    const salts = Array.from({ length: 3000 }, () => sealSlots([input([a], '[]')]).toString('hex', 1, 17));
    expect(new Set(salts).size).toBe(salts.length);
  });

  it('has bounds', () => {
    const large = { kind: SLOT_KINDS.text, owners: [a], plaintext: Buffer.alloc(131_072) };
    expect(() => sealSlots([large])).toThrow(expect.objectContaining({ code: 'EVENT_TOO_LARGE' }));
    const crowd = { kind: SLOT_KINDS.text, owners: Array.from({ length: 4097 }, () => a), plaintext: Buffer.alloc(16) };
    expect(() => sealSlots([crowd])).toThrow(expect.objectContaining({ code: 'EVENT_TOO_LARGE' }));
  });

  it('is refused when it ends early, has a rest or is of another version', () => {
    const sealed = sealSlots([input([a], '[]')]);
    for (let bytes = 0; bytes < sealed.length; bytes++) {
      expect(() => readSealedPart(sealed.subarray(0, bytes))).toThrow(
        expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }),
      );
    }
    const longer = Buffer.concat([sealed, Buffer.alloc(1)]);
    expect(() => readSealedPart(longer)).toThrow(expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }));
    longer[0] = 2;
    expect(() => readSealedPart(longer)).toThrow(expect.objectContaining({ code: 'LOG_FORMAT_UNKNOWN' }));
  });
});
