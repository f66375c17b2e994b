import { formatRecorded } from '../../tree/checkpoint-files';
import { fixedKeys } from '@protego/enclave/testing';
import type { SeededRandom } from '../index';
import { CODEC_NONE } from '../../blocks/block-format';
import { signCheckpoint } from '../../tree/checkpoint';
import { HASH_BYTES } from '../../tree/merkle-tree';
import { fileOf, lastSegment, tilesOf, type TamperCase } from './tamper-attack';
import { forge } from './tamper-keyed';
import { KEYS, ORIGIN, type BlockAt, type CleanLog } from './tamper-log';

function withNote(log: CleanLog, note: string): Map<string, Buffer | undefined> {
  const line = Buffer.from(`${formatRecorded({ note, recordedAt: 1_700_000_000_000 })}\n`);
  const history = Buffer.concat([fileOf(log, 'checkpoints.jsonl'), line]);
  return new Map([
    ['checkpoint', Buffer.from(note)],
    ['checkpoints.jsonl', history],
  ]);
}

/** A checkpoint of another key. */
export async function forgeWithOtherKey(log: CleanLog, random: SeededRandom): Promise<TamperCase> {
  const root = Buffer.alloc(HASH_BYTES, random.below(256));
  const { signer } = fixedKeys(`other ${random.below(100)}`);
  const note = await signCheckpoint({ origin: ORIGIN, size: log.size, root, extensions: [] }, signer);
  return { changes: withNote(log, note), kind: 'checkpoint' };
}

/** A checkpoint of the real key over another tree. */
export async function forgeWithRealKey(log: CleanLog, random: SeededRandom): Promise<TamperCase> {
  const root = Buffer.alloc(HASH_BYTES, random.below(256));
  const size = log.size + (random.chance(0.5) ? 0 : random.integer(1, 5000));
  const note = await signCheckpoint({ origin: ORIGIN, size, root, extensions: [] }, KEYS.signer);
  const isLonger = size > log.size;
  const seq = log.size;
  return { changes: withNote(log, note), kind: isLonger ? 'truncated' : 'forked', seq, seqEnd: size };
}

/** A checkpoint of the real key over another tree, brought by somebody. */
export async function bringForgedNote(log: CleanLog, random: SeededRandom): Promise<TamperCase> {
  const root = Buffer.alloc(HASH_BYTES, random.below(256));
  const size = random.integer(1, log.size);
  const against = await signCheckpoint({ origin: ORIGIN, size, root, extensions: [] }, KEYS.signer);
  return { changes: new Map(), against, kind: 'forked', seq: 0, seqEnd: size };
}

function anyRecord(log: CleanLog, random: SeededRandom, isPlain: boolean): { block: BlockAt; seq: number } | undefined {
  const blocks = log.blocks.filter(({ header }) => !isPlain || header.codec === CODEC_NONE);
  const block = random.pick(blocks);
  return block && { block, seq: random.integer(block.seq, block.seqEnd - 1) };
}

/** With the data key: one block is sealed again over an altered record. */
export async function sealOneAgain(log: CleanLog, random: SeededRandom): Promise<TamperCase | undefined> {
  const record = anyRecord(log, random, true);
  if (record === undefined) return undefined;
  const changes = await forge(log, { ...record, isRebuilt: false });
  return { changes, kind: 'altered', seq: record.seq, seqEnd: record.seq + 1, also: ['index'] };
}

/** With the data key: everything that the key protects is made to fit; tiles and checkpoints are as they were. */
export async function rebuildBlocks(log: CleanLog, random: SeededRandom): Promise<TamperCase | undefined> {
  const record = anyRecord(log, random, false);
  if (record === undefined) return undefined;
  const changes = await forge(log, { ...record, isRebuilt: true });
  return { changes, kind: 'altered', seq: record.seq, seqEnd: record.seq + 1 };
}

/** The same with the tiles: only the checkpoints are as they were. */
export async function rebuildWithTiles(log: CleanLog, random: SeededRandom): Promise<TamperCase | undefined> {
  const record = anyRecord(log, random, false);
  if (record === undefined) return undefined;
  const changes = await forge(log, { ...record, isRebuilt: true, hasNewTiles: true });
  const before = log.checkpoints.filter(({ size }) => size <= record.seq).at(-1)?.size ?? 0;
  const after = log.checkpoints.find(({ size }) => size > record.seq)?.size;
  return { changes, kind: 'forked', seq: before, seqEnd: after };
}

/** The same with all keys: only what a subscriber has kept is as it was. */
export async function rebuildAndSign(log: CleanLog, random: SeededRandom): Promise<TamperCase | undefined> {
  const record = anyRecord(log, random, false);
  if (record === undefined) return undefined;
  const changes = await forge(log, { ...record, isRebuilt: true, hasNewTiles: true, isSignedAgain: true });
  const kept = random.pick(log.checkpoints.filter(({ size }) => size > record.seq));
  return { changes, against: kept.note, kind: 'forked', seq: 0, seqEnd: kept.size };
}

/** A tail cut off together with all that tells of it: checkpoints and tiles end where the log ends now. */
export async function cutWithCheckpoints(log: CleanLog, random: SeededRandom): Promise<TamperCase | undefined> {
  const { path, blocks, firstSeq } = lastSegment(log);
  const kept = log.checkpoints.filter(({ size }) => size > firstSeq && size < log.size);
  if (kept.length === 0) return undefined;
  const { size, note } = random.pick(kept);
  const first = blocks.find(({ seq }) => seq === size);
  if (first === undefined) return undefined;
  const changes = new Map<string, Buffer | undefined>([[path, fileOf(log, path).subarray(0, first.offset)]]);
  changes.set('checkpoint', Buffer.from(note));
  const lines = fileOf(log, 'checkpoints.jsonl').toString('utf8').split('\n');
  changes.set(
    'checkpoints.jsonl',
    Buffer.from(`${lines.slice(0, log.checkpoints.findIndex((c) => c.size === size) + 1).join('\n')}\n`),
  );
  for (const tile of tilesOf(log)) {
    const levelWidth = Math.floor(size / 256 ** tile.level);
    const width = Math.min(256, levelWidth - tile.index * 256);
    if (tile.width <= width) continue;
    changes.set(tile.path, undefined);
    const [base = ''] = tile.path.split('.p');
    if (width > 0) changes.set(`${base}.p/${width}`, fileOf(log, tile.path).subarray(0, width * HASH_BYTES));
  }
  return { changes, against: log.checkpoints.at(-1)?.note, kind: 'truncated', seq: size, seqEnd: log.size };
}
