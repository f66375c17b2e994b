import { formatRecorded } from '../../tree/checkpoint-files';
import { signCheckpoint } from '../../tree/checkpoint';
import { BlockCipher } from '../../blocks/block-cipher';
import {
  BLOCK_HEADER_BYTES,
  CODEC_NONE,
  contentCrcOf,
  finishBlockHeader,
  readUint64,
  writeBlockHeader,
  type BlockHeader,
} from '../../blocks/block-format';
import { openPayload } from '../../blocks/block-payload';
import { BlockView } from '../../blocks/block-view';
import { FooterBuilder } from '../../segments/footer-builder';
import { leafHashesOf } from '../../blocks/leaf-hasher';
import { readIdentity } from '../../log-identity';
import { HASH_BYTES, MerkleTree, type TileHashSink } from '../../tree/merkle-tree';
import { FOOTER_AT } from '../../segments/segment-footer';
import { encodeSegmentHeader } from '../../segments/segment-format';
import { TILE_WIDTH } from '../../tree/tile-path';
import { KEYS, ORIGIN, type BlockAt, type CleanLog, type SegmentAt } from './tamper-log';

/** What the attacker who holds the data keys puts right after the record that he altered. */
export interface KeyedForgery {
  /** Block that holds the altered record. */
  readonly block: BlockAt;
  /** Seq of the altered record. */
  readonly seq: number;
  /** Roots, tags, segment headers and footers of everything that follows; else the block alone is sealed again. */
  readonly isRebuilt: boolean;
  readonly hasNewTiles?: boolean;
  /** Signs all checkpoints again with the key of the log. */
  readonly isSignedAgain?: boolean;
}

/** Files that an attacker with the data keys changes. The altered record keeps its length. */
export async function forge(log: CleanLog, forgery: KeyedForgery): Promise<Map<string, Buffer>> {
  const cipher = new BlockCipher(KEYS, readIdentity(log.directory).logId);
  if (!forgery.isRebuilt) return sealAgain(log, forgery, cipher);
  const rebuilt = new Rebuilder(log, forgery, cipher);
  const files = rebuilt.segments();
  if (forgery.hasNewTiles === true) rebuilt.addTiles(files);
  if (forgery.isSignedAgain === true) await rebuilt.addCheckpoints(files);
  return files;
}

function openBlock(log: CleanLog, block: BlockAt, segment: SegmentAt, cipher: BlockCipher): BlockView {
  const bytes = bytesOf(log, block);
  const place = { segmentFirstSeq: segment.firstSeq, offset: block.offset };
  const opened = openPayload(cipher, block.header, bytes, place);
  const view = opened.kind === 'payload' ? BlockView.over(block.header, Buffer.from(opened.payload)) : opened.reason;
  if (typeof view === 'string') throw new Error(view);
  return view;
}

function bytesOf(log: CleanLog, { path, offset, bytes }: BlockAt): Buffer {
  return (log.files.get(path) as Buffer).subarray(offset, offset + bytes);
}

/** Changes one letter of the body in place. */
function alterRecord(view: BlockView, seq: number): void {
  const body = view.bodyAt(seq - view.header.firstSeq);
  const at = body.indexOf('"source":"') + 10;
  body[at] = (body[at] as number) ^ 1;
}

function sealedBlock(
  cipher: BlockCipher,
  header: BlockHeader,
  filter: Buffer,
  payload: Buffer,
  place: { segmentFirstSeq: number; offset: number },
): { bytes: Buffer; tag: Buffer; header: BlockHeader } {
  const plain = { ...header, codec: CODEC_NONE, cipherBytes: payload.length };
  const head = Buffer.alloc(BLOCK_HEADER_BYTES);
  writeBlockHeader(head, plain);
  const { ciphertext, tag } = cipher.sealBlock(header, place, { header: head, nonce: header.nonce, filter, payload });
  finishBlockHeader(head, contentCrcOf(filter, ciphertext, tag));
  return { bytes: Buffer.concat([head, filter, ciphertext, tag]), tag, header: plain };
}

function filterOf(log: CleanLog, block: BlockAt): Buffer {
  return bytesOf(log, block).subarray(BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES + block.header.filterBytes);
}

function sealAgain(log: CleanLog, { block, seq }: KeyedForgery, cipher: BlockCipher): Map<string, Buffer> {
  const segment = log.segments.find(({ path }) => path === block.path) as SegmentAt;
  const view = openBlock(log, block, segment, cipher);
  alterRecord(view, seq);
  const place = { segmentFirstSeq: segment.firstSeq, offset: block.offset };
  const { bytes } = sealedBlock(cipher, block.header, filterOf(log, block), view.payload, place);
  if (bytes.length !== block.bytes) throw new Error('only a block that is not compressed keeps its length');
  const file = Buffer.from(log.files.get(block.path) as Buffer);
  bytes.copy(file, block.offset);
  return new Map([[block.path, file]]);
}

/** Writes the whole log again, with one record altered. */
class Rebuilder implements TileHashSink {
  private readonly tree = new MerkleTree();
  private readonly levels: Buffer[][] = [];
  private readonly roots = new Map<number, Buffer>();
  private previousTag: Buffer = Buffer.alloc(16);

  constructor(
    private readonly log: CleanLog,
    private readonly forgery: KeyedForgery,
    private readonly cipher: BlockCipher,
  ) {
    this.tree.attach(this);
  }

  addTileHashes(level: number, hashes: Buffer): void {
    (this.levels[level] ??= []).push(Buffer.from(hashes));
  }

  segments(): Map<string, Buffer> {
    return new Map(this.log.segments.map((segment) => [segment.path, this.segment(segment)]));
  }

  addTiles(files: Map<string, Buffer>): void {
    const levels = this.levels.map((parts) => Buffer.concat(parts));
    for (const path of this.log.files.keys()) {
      const [, level, groups = '', width] = /^tile\/(\d+)\/([x\d/]+)(?:\.p\/(\d+))?$/.exec(path) ?? [];
      if (level === undefined) continue;
      const index = Number(groups.replaceAll(/[x/]/g, ''));
      const from = index * TILE_WIDTH * HASH_BYTES;
      files.set(path, levels[Number(level)]!.subarray(from, from + Number(width ?? TILE_WIDTH) * HASH_BYTES));
    }
  }

  async addCheckpoints(files: Map<string, Buffer>): Promise<void> {
    const signing = this.log.checkpoints.map(({ size }) => {
      const root = this.roots.get(size);
      if (root === undefined) throw new Error(`no block ends at ${size}`);
      return signCheckpoint({ origin: ORIGIN, size, root, extensions: [] }, KEYS.signer);
    });
    const notes = await Promise.all(signing);
    const lines = notes.map((note) => `${formatRecorded({ note, recordedAt: 1_700_000_000_000 })}\n`);
    files.set('checkpoints.jsonl', Buffer.from(lines.join('')));
    files.set('checkpoint', Buffer.from(notes.at(-1) ?? ''));
  }

  private segment(segment: SegmentAt): Buffer {
    const { log, tree } = this;
    const parts = [encodeSegmentHeader(segment.firstSeq, tree.peaks())];
    const footer = new FooterBuilder();
    let offset = parts[0]?.length ?? 0;
    for (const block of segment.blocks) {
      const view = openBlock(log, block, segment, this.cipher);
      if (block === this.forgery.block) alterRecord(view, this.forgery.seq);
      tree.appendLeaves(leafHashesOf(view));
      this.roots.set(tree.size, tree.root());
      const header = { ...block.header, root: tree.root(), previousTag: this.previousTag };
      const filter = filterOf(log, block);
      const sealed = sealedBlock(this.cipher, header, filter, view.payload, {
        segmentFirstSeq: segment.firstSeq,
        offset,
      });
      footer.addBlock(sealed.header, offset, filter, identitiesOf(view));
      parts.push(sealed.bytes);
      offset += sealed.bytes.length;
      this.previousTag = sealed.tag;
    }
    if (segment.footerOffset !== undefined) parts.push(this.footer(segment, footer, offset));
    return Buffer.concat(parts);
  }

  private footer(segment: SegmentAt, footer: FooterBuilder, offset: number): Buffer {
    const { tree } = this;
    const old = (this.log.files.get(segment.path) as Buffer).subarray(segment.footerOffset);
    const session = {
      dataKeyId: old.readUInt32BE(FOOTER_AT.dataKeyId),
      sessionSalt: Buffer.from(old.subarray(FOOTER_AT.salt, FOOTER_AT.salt + 32)),
    };
    const end = {
      firstSeq: segment.firstSeq,
      endSeq: segment.seqEnd,
      offset,
      lastTag: this.previousTag,
      root: tree.root(),
      peaks: tree.peaks(),
    };
    return footer.encode(end, session, readUint64(old, FOOTER_AT.nonce + 4), this.cipher);
  }
}

function identitiesOf(view: BlockView): Uint32Array {
  const words: number[] = [];
  for (let i = 0; i < view.count; i++) {
    const identity = view.identityAt(i);
    if (identity === undefined) continue;
    words.push(identity.idHigh, identity.idLow, identity.contentHigh, identity.contentLow);
  }
  return Uint32Array.from(words);
}
