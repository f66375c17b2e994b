import { hash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import { HASH_BYTES } from './merkle-tree';
import { signNote, verifyNote, type NoteVerifier } from './signed-note';

const DECIMAL = /^(?:0|[1-9]\d{0,15})$/;
const EMPTY_ROOT = hash('sha256', '', 'buffer');

/** What a log says about its tree (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Name of the log. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** Root hash of the tree of that size, 32 bytes. */
  readonly root: Buffer;
  /** Further lines, which mean nothing to the tree; this log writes none. */
  readonly extensions: readonly string[];
}

/**
 * The text of a checkpoint: origin, size, root in base64, extension lines; each with its line feed.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` for what the text could not be read back from
 */
export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  const text = [origin, String(size), root.toString('base64'), ...extensions].join('\n') + '\n';
  parseCheckpoint(text);
  return text;
}

/**
 * Reads the text of a checkpoint, which must have been verified ({@link openCheckpoint}) to mean anything.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw invalid('a checkpoint ends with a line feed');
  const [origin = '', decimal = '', base64 = '', ...extensions] = text.slice(0, -1).split('\n');
  const size = Number(decimal);
  const root = Buffer.from(base64, 'base64');
  if (origin === '' || extensions.includes('')) throw invalid('a checkpoint has an empty line');
  if (!DECIMAL.test(decimal) || !Number.isSafeInteger(size)) throw invalid('the size of a checkpoint is malformed');
  if (root.length !== HASH_BYTES || root.toString('base64') !== base64) {
    throw invalid('the root of a checkpoint is malformed');
  }
  if (size === 0 && !root.equals(EMPTY_ROOT))
    throw invalid('a checkpoint of no leaves has another root than they give');
  return { origin, size, root, extensions };
}

/**
 * Signs a checkpoint; the name of the key is the origin.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` for an origin that cannot name a key
 */
export async function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): Promise<string> {
  return signNote(formatCheckpoint(checkpoint), checkpoint.origin, signer);
}

/**
 * Verifies a signed checkpoint and reads it. Its origin must be the name of one of the keys that signed it, so that a key
 * of one log cannot speak for another.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function openCheckpoint(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): Checkpoint {
  const { text, signers } = verifyNote(note, verifiers);
  const checkpoint = parseCheckpoint(text);
  if (!signers.includes(checkpoint.origin)) throw invalid('the checkpoint is not signed by the log that it names');
  return checkpoint;
}

function invalid(reason: string): ProtegoError {
  return new ProtegoError('LOG_CHECKPOINT_INVALID', reason);
}
