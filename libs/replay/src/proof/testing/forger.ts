import { createHash } from 'node:crypto';
import { canonicalJson } from '@protego/contracts';
import { TileStore, makeRangeProof, openCheckpoint, parseVerifierKey } from '@protego/event-log';
import { leafHashOf, leavesOf, sectionsOf, signedTextOf } from '@protego/event-log/standalone';
import type { DetectionClaim } from '../detection-claim';

/** What a forger makes of a proof; what is not named stays as it is. */
export interface Forgery {
  readonly claim?: (claim: DetectionClaim) => unknown;
  /** Records to leave out. */
  readonly without?: readonly number[];
  /** Other bytes for the leaf of a record. */
  readonly alter?: (seq: number, leaf: Buffer) => Buffer;
  /** True when the list of hashes is kept as it was. */
  readonly keepsList?: boolean;
}

/**
 * Rebuilds a proof as well as it can be done by whoever knows all hashes of the tree: counts, list, range proof and lengths
 * fit. Only the signature is the old one, or, with `signer`, that of the key of the log: a dishonest owner.
 */
export async function forged(
  bytes: Buffer,
  directory: string,
  { claim, without = [], alter, keepsList = false }: Forgery,
  signer?: { sign(text: Buffer): Promise<Buffer> | Buffer },
): Promise<Buffer> {
  const sections = sectionsOf(bytes);
  const manifest = JSON.parse(sections.manifest.toString()) as Record<string, unknown>;
  const { seqs, leaves } = leavesOf(sections.records);
  const kept = seqs.flatMap((seq, i) => (without.includes(seq) ? [] : [{ seq, leaf: leaves[i] as Buffer }]));
  const records = kept.map(({ seq, leaf }) => ({ seq, leaf: alter?.(seq, leaf) ?? leaf }));
  const verifierKey = String(manifest['verifierKey']);
  const { size } = openCheckpoint(String(manifest['checkpoint']), [parseVerifierKey(verifierKey)]);
  const ranges: { begin: number; end: number }[] = [];
  for (const { seq } of records) {
    const last = ranges.at(-1);
    if (last?.end === seq) last.end++;
    else ranges.push({ begin: seq, end: seq + 1 });
  }
  const proof = makeRangeProof(new TileStore(directory, size), ranges);
  const list = Buffer.concat(records.map(({ leaf }) => leafHashOf(leaf))).toString('base64');
  const rebuilt = {
    ...manifest,
    ...{ records: records.length, firstSeq: records[0]?.seq, lastSeq: records.at(-1)?.seq },
    selection: { seqRanges: ranges.map(({ begin, end }) => ({ fromSeq: begin, toSeq: end })) },
    ...(keepsList ? {} : { leaves: list }),
    claim: claim === undefined ? manifest['claim'] : claim(manifest['claim'] as DetectionClaim),
  };
  const body = [
    bytes.subarray(0, 16),
    ...records.flatMap(({ seq, leaf }) => [headOf(seq, leaf), leaf]),
    ...proof,
    sections.sealedKeys,
    Buffer.from(canonicalJson(rebuilt)),
  ];
  const recordBytes = records.reduce((sum, { leaf }) => sum + 12 + leaf.length, 0);
  const lengths = Buffer.alloc(32);
  const sizes = [recordBytes, proof.length * 32, sections.sealedKeys.length, (body.at(-1) as Buffer).length];
  sizes.forEach((length, i) => lengths.writeBigUInt64BE(BigInt(length), 8 * i));
  const signed = Buffer.concat([...body, lengths]);
  return Buffer.concat([signed, signer === undefined ? bytes.subarray(-64) : await signer.sign(signedText(signed))]);
}

function headOf(seq: number, leaf: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64BE(BigInt(seq), 0);
  head.writeUInt32BE(leaf.length, 8);
  return head;
}

function signedText(bytes: Buffer): Buffer {
  return signedTextOf('evidence-bundle', createHash('sha256').update(bytes).digest());
}
