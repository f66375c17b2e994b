import { hash } from 'node:crypto';
import { SeededRandom } from '@protego/event-log/testing';
import { SLOT_KINDS, openSlot, type SealedPart, type SealedSlot } from '@protego/enclave';
import { decryptRaw, twoKeyCiphertext } from './second-key';

const CASES = Number(process.env['TAMPER_SECOND_KEYS'] ?? 40);
const SEED = Number(process.env['TAMPER_SEED'] ?? 1);

const commitmentTo = (key: Buffer): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from('protego/commit/1'), key]), 'buffer');

describe('second key for a proven ciphertext', () => {
  it(`is refused in ${CASES} cases where both keys open the ciphertext`, () => {
    for (let seed = SEED; seed < SEED + CASES; seed++) {
      const random = new SeededRandom(seed);
      const salt = Buffer.alloc(16, seed);
      // Version, salt, slot number and kind, as the log format binds them.
      const aad = Buffer.concat([Buffer.of(1), salt, Buffer.of(0, 0, SLOT_KINDS.text)]);
      const { keys, ciphertext } = twoKeyCiphertext(random, aad);
      const [proven, second] = keys;
      const slot: SealedSlot = {
        slot: 0,
        kind: SLOT_KINDS.text,
        keyIds: [Buffer.alloc(16)],
        commitment: commitmentTo(proven),
        ciphertext,
      };
      const part: SealedPart = { salt, slots: [slot] };
      const plaintexts = keys.map((key) => decryptRaw(key, ciphertext, aad));
      expect({ seed, isAmbiguous: plaintexts[0]?.equals(plaintexts[1] ?? Buffer.alloc(0)) }).toEqual({
        seed,
        isAmbiguous: false,
      });
      expect(openSlot(part, slot, proven)).toEqual(plaintexts[0]);
      expect(openSlot(part, slot, second)).toBeUndefined();
    }
  });
});
