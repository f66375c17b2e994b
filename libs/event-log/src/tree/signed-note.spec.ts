import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import type { NoteSigner } from '@protego/enclave';
import {
  formatNote,
  noteKeyId,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKeyOf,
  verifyNote,
  type NoteVerifier,
} from './signed-note';

/** Signs at once, so that notes can be made where nothing can be awaited. */
interface TestSigner extends NoteSigner {
  signNow(message: Buffer): Buffer;
}

function signerOf(seed: number): TestSigner {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const der = Buffer.concat([prefix, Buffer.alloc(32, seed)]);
  const key: KeyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const signNow = (message: Buffer): Buffer => sign(null, message, key);
  return { publicKey, signNow, sign: (message) => Promise.resolve(signNow(message)) };
}

function verifierOf(name: string, { publicKey }: NoteSigner): NoteVerifier {
  return { name, publicKey, keyId: noteKeyId(name, publicKey) };
}

function noteOf(text: string, name: string, signer: TestSigner): string {
  const signature = signer.signNow(Buffer.from(text));
  return formatNote({ text, signatures: [{ name, keyId: noteKeyId(name, signer.publicKey), signature }] });
}

const invalid = expect.objectContaining({ code: 'LOG_CHECKPOINT_INVALID' });
const one = signerOf(1);
const two = signerOf(2);
const text = 'first\n\nthird ö\n';
const note = noteOf(text, 'log.example/a', one);

describe('signed notes', () => {
  it('are a text and what the signer makes of it', async () => {
    expect(await signNote(text, 'log.example/a', one)).toBe(note);
  });

  it('verify with the key that signed them, and give the text back', () => {
    expect(verifyNote(note, [verifierOf('log.example/a', one)])).toEqual({ text, signers: ['log.example/a'] });
    expect(verifyNote(Buffer.from(note), [parseVerifierKey(verifierKeyOf('log.example/a', one.publicKey))]).text).toBe(
      text,
    );
    expect(formatNote(parseNote(note))).toBe(note);
  });

  it('round-trip for any text and any number of signatures', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).map((s) => s.replace(/\p{Cc}/gu, ''));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 16 }), (lines, count) => {
        const body = `${lines.join('\n')}\n`;
        const signatures = Array.from({ length: count }, (_, i) => {
          return parseNote(noteOf(body, `k${i}`, i % 2 === 0 ? one : two)).signatures[0]!;
        });
        const several = formatNote({ text: body, signatures });
        expect(parseNote(several)).toEqual({ text: body, signatures });
        expect(verifyNote(several, [verifierOf('k0', one)]).signers).toEqual(['k0']);
      }),
    );
  });

  it('leave signatures of unknown keys aside, and need one of a known key', () => {
    const both = formatNote({
      text,
      signatures: [...parseNote(noteOf(text, 'x', two)).signatures, ...parseNote(note).signatures],
    });
    expect(verifyNote(both, [verifierOf('log.example/a', one)]).signers).toEqual(['log.example/a']);
    expect(() => verifyNote(note, [verifierOf('log.example/a', two)])).toThrow(invalid);
    expect(() => verifyNote(note, [verifierOf('log.example/b', one)])).toThrow(invalid);
    expect(() => verifyNote(note, [])).toThrow(invalid);
  });

  it('are invalid as a whole when a known key has a wrong signature', () => {
    const [signature] = parseNote(note).signatures;
    const wrong = Buffer.from(signature!.signature);
    wrong[0]! ^= 1;
    const forged = { ...signature!, signature: wrong };
    const other = parseNote(noteOf(text, 'x', two)).signatures[0]!;
    const verifiers = [verifierOf('log.example/a', one), verifierOf('x', two)];
    expect(() => verifyNote(formatNote({ text, signatures: [other, forged] }), verifiers)).toThrow(invalid);
    const short = { ...signature!, signature: wrong.subarray(0, 63) };
    expect(() => verifyNote(formatNote({ text, signatures: [other, short] }), verifiers)).toThrow(invalid);
  });

  it('do not verify with any bit flipped', () => {
    const verifiers = [verifierOf('log.example/a', one)];
    const bytes = Buffer.from(note);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => verifyNote(flipped, verifiers)).toThrow(invalid);
    }
  });

  it.each([
    ['no last line feed', note.slice(0, -1)],
    ['no signature', 'text\n'],
    ['no signature after the blank line', 'text\n\n'],
    ['a control character', note.replace('first', 'fi\trst')],
    ['a carriage return', note.replaceAll('\n', '\r\n')],
    ['a hyphen for the dash', note.replace('—', '-')],
    ['two spaces', note.replace('— ', '—  ')],
    ['no padding', note.replace(/=*\n$/, '\n')],
    ['a plus sign in the name', note.replace('log.example/a', 'log+example')],
    ['a space in the name', note.replace('log.example/a', 'log\u00a0example')],
    ['a lone surrogate', note.replace('first', '\ud800')],
    ['a short signature', 'text\n\n— a AAAAAA==\n'],
    ['too many signatures', note + note.slice(note.indexOf('—')).repeat(100)],
  ])('are refused with %s', (_, bad) => {
    expect(() => parseNote(bad)).toThrow(invalid);
  });

  it('have one spelling of base64 only', () => {
    const base64 = note.slice(note.lastIndexOf(' ') + 1, -1);
    const last = base64.replace(/=*$/, '').at(-1)!;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const other = alphabet[alphabet.indexOf(last) + 1]!;
    const respelled = note.slice(0, note.length - 1 - (base64.length - base64.replace(/=*$/, '').length) - 1) + other;
    const padding = base64.slice(base64.replace(/=*$/, '').length);
    expect(() => parseNote(`${respelled}${padding}\n`)).toThrow(invalid);
  });
});

describe('verifier keys', () => {
  it('carry name, id and key', () => {
    const verifier = parseVerifierKey(verifierKeyOf('log.example/a', one.publicKey));
    expect(verifier).toEqual(verifierOf('log.example/a', one));
  });

  it.each([
    ['another id', (key: string) => key.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['another name', (key: string) => key.replace('log', 'lag')],
    ['another type', (key: string) => key.replace('+A', '+B')],
    ['no key', (key: string) => key.slice(0, key.lastIndexOf('+'))],
    ['more', (key: string) => `${key}A`],
  ])('are refused with %s', (_, change) => {
    expect(() => parseVerifierKey(change(verifierKeyOf('log.example/a', one.publicKey)))).toThrow(invalid);
  });

  it('are made for names that a note can carry only', async () => {
    expect(() => verifierKeyOf('with space', one.publicKey)).toThrow(invalid);
    expect(() => verifierKeyOf('', one.publicKey)).toThrow(invalid);
    expect(() => verifierKeyOf('log', Buffer.alloc(31))).toThrow(invalid);
    await expect(signNote('no line feed', 'log', one)).rejects.toEqual(invalid);
  });
});
