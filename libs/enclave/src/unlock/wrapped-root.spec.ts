import { inspect } from 'node:util';
import { isProtegoError } from '@protego/contracts';
import { ARGON2_COST_MIN, unlockMethodOf } from './unlock-method';
import { type UnlockSecret } from './unlock-secret';
import { ARGON2_COST, unwrapRoot, wrapRoot } from './wrapped-root';

const ROOT = Buffer.alloc(32, 0x77);
const argon2 = ARGON2_COST_MIN;
const keyFile = (fill: number): UnlockSecret => ({ kind: 'key-file', content: Buffer.alloc(32, fill) });
const passphrase = (text: string): UnlockSecret => ({ kind: 'passphrase', passphrase: Buffer.from(text) });
const ANNA = passphrase('correct horse battery');
const BEN = keyFile(2);

async function refusalOf(action: Promise<unknown>): Promise<{ code: string; message: string }> {
  return action.then(
    () => ({ code: 'done', message: '' }),
    (error: unknown) => (isProtegoError(error) ? error : { code: String(error), message: '' }),
  );
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  return (await refusalOf(action)).code;
}

describe('wrapped root', () => {
  it.each([
    ['nothing but the platform', []],
    ['a key file', [keyFile(1)]],
    ['a passphrase', [ANNA]],
    ['two operators', [ANNA, BEN]],
    ['two operators with passphrases', [ANNA, passphrase('staple of the second')]],
  ])('opens with what it was wrapped under: %s', async (_name, secrets) => {
    const wrapped = await wrapRoot(ROOT, secrets, { argon2 });
    expect(wrapped.includes(ROOT.toString('hex'))).toBe(false);
    expect(await unwrapRoot(wrapped, secrets)).toEqual(ROOT);
  });

  it('needs both operators, and says the same whichever secret was wrong', async () => {
    const wrapped = await wrapRoot(ROOT, [ANNA, BEN], { argon2 });
    const wrongAnna = passphrase('correct horse butter!');
    const wrongBen = keyFile(3);
    const attempts = [[wrongAnna, BEN], [ANNA, wrongBen], [wrongAnna, wrongBen], [ANNA], [BEN], [], [BEN, ANNA]];
    const refusals = [];
    for (const secrets of [...attempts, [ANNA, BEN, BEN]]) refusals.push(await refusalOf(unwrapRoot(wrapped, secrets)));
    expect(new Set(refusals.map(({ code, message }) => `${code}: ${message}`)).size).toBe(1);
    expect(refusals[0]?.code).toBe('ENCLAVE_UNLOCK_REFUSED');
    expect(inspect(refusals)).not.toContain('horse');
  });

  it('is refused whatever was changed in it', async () => {
    const wrapped = await wrapRoot(ROOT, [keyFile(1)]);
    const codes = new Set<string>();
    for (let bit = 0; bit < 8 * wrapped.length; bit++) {
      const altered = Buffer.from(wrapped);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      codes.add(await codeOf(unwrapRoot(altered, [keyFile(1)])));
    }
    expect([...codes].sort()).toEqual(['ENCLAVE_UNLOCK_INVALID', 'ENCLAVE_UNLOCK_REFUSED']);
  });

  it('is another each time, also for the same root and secret', async () => {
    const [a, b] = [await wrapRoot(ROOT, [BEN]), await wrapRoot(ROOT, [BEN])].map(
      (wrapped) => JSON.parse(wrapped.toString()) as Record<string, string>,
    );
    for (const field of ['salt', 'commitment', 'sealed']) expect(a?.[field]).not.toBe(b?.[field]);
  });

  it('shows its method and nothing else', async () => {
    const wrapped = await wrapRoot(ROOT, [ANNA, BEN]);
    expect(unlockMethodOf(wrapped)).toEqual({
      factors: [{ kind: 'passphrase', ...ARGON2_COST }, { kind: 'key-file' }],
    });
  });

  it('takes one spelling of a passphrase for another', async () => {
    const wrapped = await wrapRoot(ROOT, [passphrase('Z\u00fcrich am Wasser')], { argon2 });
    expect(await unwrapRoot(wrapped, [passphrase('Zu\u0308rich am Wasser')])).toEqual(ROOT);
  });

  it.each([
    ['a short passphrase', [passphrase('elf Zeichen')]],
    ['a short one of wide characters', [passphrase('üüüüüüüüüüü')]],
    ['a long passphrase', [passphrase('x'.repeat(1025))]],
    ['a short key file', [{ kind: 'key-file', content: Buffer.alloc(31) } as const]],
    ['the same secret twice', [BEN, keyFile(2)]],
    [
      'one passphrase in two spellings',
      [passphrase('caf\u00e9 correct horse'), passphrase('cafe\u0301 correct horse')],
    ],
    [
      'a passphrase that is no UTF-8',
      [{ kind: 'passphrase', passphrase: Buffer.from('p\xe4sswörter-geheim', 'latin1') } as const],
    ],
    ['a passphrase of spaces', [passphrase(' '.repeat(14))]],
    ['a passphrase of wide spaces', [passphrase('\u3000'.repeat(14))]],
    ['three secrets', [ANNA, BEN, keyFile(3)]],
  ])('is not made with %s', async (_name, secrets) => {
    expect(await codeOf(wrapRoot(ROOT, secrets, { argon2 }))).toBe('ENCLAVE_UNLOCK_INVALID');
  });

  it('opens what older code sealed under bytes that are no UTF-8, each of which counts as U+FFFD', async () => {
    const wrapped = await wrapRoot(ROOT, [passphrase('p\ufffdssword of mine')], { argon2 });
    const given = { kind: 'passphrase', passphrase: Buffer.from('p\xe4ssword of mine', 'latin1') } as const;
    expect(await unwrapRoot(wrapped, [given])).toEqual(ROOT);
  });

  it('is not made of a root of another length, nor at a cost out of bounds', async () => {
    expect(await codeOf(wrapRoot(Buffer.alloc(31), []))).toBe('ENCLAVE_UNLOCK_INVALID');
    for (const change of [{ memoryKib: 19_455 }, { passes: 1 }, { lanes: 0 }, { memoryKib: 2 ** 21 }, { passes: 65 }]) {
      expect(await codeOf(wrapRoot(ROOT, [ANNA], { argon2: { ...argon2, ...change } }))).toBe('ENCLAVE_UNLOCK_INVALID');
    }
  });

  it('is read within bounds', async () => {
    const stored = JSON.parse((await wrapRoot(ROOT, [ANNA], { argon2 })).toString()) as { factors: object[] };
    const altered = [
      { ...stored, format: 2 },
      { ...stored, more: 1 },
      { ...stored, factors: [...stored.factors, ...stored.factors, ...stored.factors] },
      { ...stored, factors: {} },
      { ...stored, salt: '00' },
      ...[{ memoryKib: 1 }, { memoryKib: 1e9 }, { passes: 1e9 }, { lanes: 1e9 }, { kind: 'retina' }, { salt: 7 }].map(
        (change) => ({ ...stored, factors: [{ ...stored.factors[0], ...change }] }),
      ),
    ].map((value) => Buffer.from(JSON.stringify(value)));
    for (const bytes of [...altered, Buffer.from('null'), Buffer.from('{'), Buffer.alloc(5000, 0x20)]) {
      expect(await codeOf(unwrapRoot(bytes, [ANNA]))).toBe('ENCLAVE_UNLOCK_INVALID');
    }
  });
});
