import fc from 'fast-check';
import { fixedKeys } from '@protego/enclave/testing';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint';
import { noteKeyId, signNote, type NoteVerifier } from './signed-note';

const invalid = expect.objectContaining({ code: 'LOG_CHECKPOINT_INVALID' });
const { signer } = fixedKeys();
const verifier = (name: string): NoteVerifier => ({
  name,
  publicKey: signer.publicKey,
  keyId: noteKeyId(name, signer.publicKey),
});
const root = Buffer.alloc(32, 7);
const text = formatCheckpoint({ origin: 'log.example/a', size: 12, root, extensions: [] });

describe('checkpoints', () => {
  it('round-trip', () => {
    const line = fc.stringMatching(/^[!-~][ -~]{0,20}$/);
    fc.assert(
      fc.property(line, fc.maxSafeNat(), fc.array(line, { maxLength: 3 }), (origin, size, extensions) => {
        const checkpoint = { origin, size: size + (size === 0 ? 1 : 0), root, extensions };
        expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
      }),
    );
  });

  it('open when signed by the key that they name', async () => {
    const checkpoint = { origin: 'log.example/a', size: 12, root, extensions: [] };
    expect(openCheckpoint(await signCheckpoint(checkpoint, signer), [verifier('log.example/a')])).toEqual(checkpoint);
  });

  it('of another log do not open, though a known key signed them', async () => {
    const note = await signNote(text, 'log.example/b', signer);
    expect(() => openCheckpoint(note, [verifier('log.example/b')])).toThrow(invalid);
  });

  it.each([
    ['leading zeros', text.replace('\n12\n', '\n012\n')],
    ['a sign', text.replace('\n12\n', '\n+12\n')],
    ['a size beyond 2^53', text.replace('\n12\n', '\n9007199254740993\n')],
    ['a short root', text.replace('BwcH', '')],
    ['padding left out', text.replace('=\n', '\n')],
    ['no origin', text.slice(text.indexOf('\n'))],
    ['an empty extension line', `${text}\n`],
    ['no last line feed', text.slice(0, -1)],
    ['another root of no leaves', text.replace('\n12\n', '\n0\n')],
  ])('are refused with %s', (_, bad) => {
    expect(() => parseCheckpoint(bad)).toThrow(invalid);
  });

  it('cannot be formatted so that they read back as something else', () => {
    const checkpoint = { origin: 'a', size: 1, root, extensions: [] };
    expect(() => formatCheckpoint({ ...checkpoint, origin: 'a\n5' })).toThrow(invalid);
    expect(() => formatCheckpoint({ ...checkpoint, size: 1.5 })).toThrow(invalid);
    expect(() => formatCheckpoint({ ...checkpoint, root: Buffer.alloc(31) })).toThrow(invalid);
  });
});
