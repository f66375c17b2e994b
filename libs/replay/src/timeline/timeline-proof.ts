import { ProtegoError, canonicalJson, type Detection, type ProtegoEvent } from '@protego/contracts';
import { checkRangeProof, leafHash, openCheckpoint, parseVerifierKey, type LeafRange } from '@protego/event-log';
import type { Timeline, TimelineLine } from './timeline-shape';
import { tellDetection, tellEvent } from './words/event-words';

/** Proof that the lines of a timeline stand in the log of a signed checkpoint. */
export interface TimelineProof {
  /** The signed note of the checkpoint (C2SP tlog-checkpoint); null in a log that has none yet. */
  readonly checkpoint: string | null;
  readonly verifierKey: string;
  /** Records that the checkpoint covers. */
  readonly size: number;
  /** Stored leaves (RFC 6962 leaf data) of the covered lines in base64, ascending by seq. */
  readonly leaves: readonly { readonly seq: number; readonly leaf: string }[];
  /** Range proof of these leaves in base64: roots of the greatest subtrees that hold none of them, from left to right. */
  readonly hashes: readonly string[];
  /** Lines that were appended after the checkpoint, which cannot be proved by it. */
  readonly notCovered: readonly number[];
}

/** What `timeline.json` holds. */
export type ProvedTimeline = Timeline & { readonly proof: TimelineProof };

/** Bytes of a leaf before its sealed fields; at 40 stands their length, big-endian (see the layout of records). */
const LEAF_FIXED_BYTES = 44;
const SEALED_LENGTH_AT = 40;

/** Ranges of neighbouring seqs, as a range proof takes them. */
export function rangesOf(seqs: readonly number[]): LeafRange[] {
  const ranges: { begin: number; end: number }[] = [];
  for (const seq of seqs) {
    const last = ranges.at(-1);
    if (last?.end === seq) last.end++;
    else ranges.push({ begin: seq, end: seq + 1 });
  }
  return ranges;
}

/**
 * Checks every line of a `timeline.json` without the log: its leaf is in the tree of the signed checkpoint, has the hash that
 * the line says, and holds the event that the line is about, in the words that Protego has for it.
 *
 * @param text - content of `timeline.json`
 * @param verifierKey - key of the log as whoever runs it publishes it; default: the one in the file
 * @returns how many lines were checked
 * @throws ProtegoError `LOG_PROOF_INVALID`, `LOG_CHECKPOINT_INVALID`
 */
export function checkTimeline(text: string, verifierKey?: string): { readonly lines: number; readonly size: number } {
  const { proof, lines } = parsed(text);
  const covered = lines.filter(({ seq }) => seq < proof.size);
  const seqs = proof.leaves.map(({ seq }) => seq);
  if (canonicalJson(covered.map(({ seq }) => seq)) !== canonicalJson(seqs))
    throw invalid('the leaves are not those of the lines');
  if (covered.length + proof.notCovered.length !== lines.length) throw invalid('lines are missing in the proof');
  if (seqs.length === 0) return { lines: 0, size: proof.size };
  const checkpoint = openCheckpoint(proof.checkpoint ?? '', [parseVerifierKey(verifierKey ?? proof.verifierKey)]);
  if (checkpoint.size !== proof.size) throw invalid('the proof is of another size than its checkpoint');
  const leaves = proof.leaves.map(({ leaf }) => Buffer.from(leaf, 'base64'));
  const leafHashes = leaves.map((leaf) => leafHash(leaf));
  covered.forEach((line, at) => checkLine(line, leaves[at] as Buffer, leafHashes[at] as Buffer));
  const hashes = proof.hashes.map((hash) => Buffer.from(hash, 'base64'));
  const { size, root } = checkpoint;
  checkRangeProof({ size, root, ranges: rangesOf(seqs), leafHashes }, hashes);
  return { lines: covered.length, size };
}

const DETECTION = 'detection.raised';

function parsed(text: string): Pick<ProvedTimeline, 'proof' | 'lines'> {
  const value = jsonOf(text) as Partial<ProvedTimeline> | null;
  const { proof, lines } = typeof value === 'object' && value !== null ? value : {};
  const lists: unknown[] = [lines, proof?.leaves, proof?.hashes, proof?.notCovered];
  if (proof !== undefined && lines !== undefined && lists.every((list) => Array.isArray(list))) return { proof, lines };
  throw invalid('the file is no timeline.json');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('the file is no JSON');
  }
}

function checkLine(line: TimelineLine, leaf: Buffer, hash: Buffer): void {
  const { seq, time, type, source, id } = line;
  if (hash.toString('hex') !== line.leafHash) throw invalid(`line ${seq} has another hash than its leaf`);
  const event = eventOf(leaf);
  const words =
    type === DETECTION ? tellDetection(event.data as unknown as Detection) : tellEvent(type, event.data).words;
  if (words !== line.words) throw invalid(`line ${seq} says something else than its leaf`);
  const isSame = event.type === type && event.time === time && event.source === source && event.id === id;
  if (!isSame) throw invalid(`line ${seq} is about another event than its leaf`);
}

function eventOf(leaf: Buffer): ProtegoEvent {
  if (leaf.length < LEAF_FIXED_BYTES) throw invalid('a leaf is cut short');
  const bodyAt = LEAF_FIXED_BYTES + leaf.readUInt32BE(SEALED_LENGTH_AT);
  return JSON.parse(leaf.toString('utf8', bodyAt)) as ProtegoEvent;
}

function invalid(reason: string): ProtegoError {
  return new ProtegoError('LOG_PROOF_INVALID', reason);
}
