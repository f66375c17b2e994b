import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { crc32c } from '@node-rs/crc32';
import { fixedKeys } from '@protego/enclave/testing';
import { BlockCipher } from '../blocks/block-cipher';
import { BLOCK_HEADER_BYTES, TAG_BYTES, blockBytesOf, contentCrcOf, finishBlockHeader } from '../blocks/block-format';
import { BlockIndexes } from '../blocks/block-index';
import { openPayload } from '../blocks/block-payload';
import { readIdentity } from '../log-identity';
import { HOP_WINDOW_BYTES, SCAN_WINDOW_BYTES, SegmentCursor, type HeaderRead } from './segment-cursor';
import { listSegments } from './segment-format';
import { inTemporaryDirectory, sampleRecord, sampleRecords } from '../testing';
import { EventLogWriter } from '../writer/writer';

const keys = fixedKeys();
const options = { windowBytes: HOP_WINDOW_BYTES };

/** A log of 200 records in several segments, all but the last finished. */
async function fill(directory: string): Promise<BlockCipher> {
  const writer = await EventLogWriter.open({
    directory,
    origin: 'north',
    keys,
    blockBytesMax: 2000,
    segmentBytesMax: 6000,
  });
  for (let at = 0; at < 200; at += 10) await writer.append(sampleRecords(10, at));
  await writer.close();
  return new BlockCipher(keys, readIdentity(directory).logId);
}

const cursorOn = (directory: string, n: number): SegmentCursor =>
  new SegmentCursor(listSegments(directory).at(n)!, options);

describe('SegmentCursor', () => {
  it('ends at the footer of a finished segment and does not take it for a block', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const cursor = cursorOn(directory, 0);
      let count = 0;
      let read = cursor.next(cipher);
      for (; read.kind === 'block'; read = cursor.next(cipher)) count += read.block.count;
      const index = cursor.index(cipher);
      expect(read).toEqual({ kind: 'end', offset: cursor.trailer()?.footerOffset, isFinished: true });
      expect(index).toMatchObject({ firstSeq: 0, endSeq: count });
      expect(cursor.next(cipher)).toEqual(read);
      cursor.close();
      const last = cursorOn(directory, -1);
      expect([last.trailer(), last.index(cipher)]).toEqual([undefined, undefined]);
      last.close();
    });
  });

  it('reads the same blocks closed as open', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const [open, closed] = [cursorOn(directory, 0), cursorOn(directory, 0)];
      for (;;) {
        const [read, sealed] = [open.next(cipher), closed.nextSealed()];
        if (read.kind !== 'block' || sealed.kind !== 'sealed') {
          expect(sealed).toEqual(read);
          break;
        }
        const { block, offset, tag } = read;
        expect(sealed).toEqual({ kind: 'sealed', header: block.header, offset, tag });
      }
      open.close();
      closed.close();
    });
  });

  it('calls a footer torn until its last byte is there', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const { path } = listSegments(directory)[0]!;
      const whole = readFileSync(path);
      const cursor = cursorOn(directory, 0);
      while (cursor.next(cipher).kind === 'block');
      const { position } = cursor;
      for (const bytes of [whole.length - 1, whole.length - 32, position + 100, position + 3, position]) {
        truncateSync(path, bytes);
        cursor.forget();
        const left = bytes - position;
        expect(cursor.next(cipher)).toEqual(
          left === 0
            ? { kind: 'end', offset: position, isFinished: false }
            : { kind: 'torn', offset: position, bytes: left },
        );
      }
      appendFileSync(path, whole.subarray(position));
      cursor.forget();
      expect(cursor.next(cipher)).toMatchObject({ kind: 'end', isFinished: true });
      cursor.close();
    });
  });

  it('calls a block unauthentic when its CRCs hold and it was made by another hand, or for another place', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const { path } = listSegments(directory)[0]!;
      const cursor = cursorOn(directory, 0);
      const first = cursor.peekHeader();
      if (first.kind !== 'header') throw new Error(first.kind);
      const { header, offset } = first;
      const forge = (change: (block: Buffer) => void): void => {
        const bytes = readFileSync(path);
        const block = bytes.subarray(offset, offset + blockBytesOf(header));
        change(block);
        block.writeUInt32BE(crc32c(block.subarray(BLOCK_HEADER_BYTES)), 200);
        block.writeUInt32BE(crc32c(block.subarray(0, 204)), 204);
        writeFileSync(path, bytes);
        cursor.forget();
      };
      expect(cursor.next(cipher)).toMatchObject({ kind: 'block' });
      const forgeries: ((block: Buffer) => void)[] = [
        (block) => void (block[BLOCK_HEADER_BYTES + 9]! ^= 1),
        (block) => void (block[block.length - 1]! ^= 1),
        (block) => block.writeDoubleBE(0, 48),
        (block) => void (block[150]! ^= 1),
      ];
      for (const change of forgeries) {
        const sound = readFileSync(path);
        forge(change);
        cursor.position = offset;
        expect(cursor.next(cipher)).toMatchObject({ kind: 'unauthentic', offset, header: { firstSeq: 0 } });
        expect(cursor.nextSealed()).toMatchObject({ kind: 'sealed', offset });
        writeFileSync(path, sound);
      }
      forge((block) => block.writeUInt32BE(77, 40));
      cursor.position = offset;
      expect(cursor.next(cipher)).toMatchObject({ kind: 'unauthentic', failure: { code: 'LOG_KEY_MISSING' } });
      cursor.close();
    });
  });

  it('refuses a block that is authentic and gives its subject filter another CRC', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const { path, firstSeq } = listSegments(directory)[0]!;
      const cursor = cursorOn(directory, 0);
      const { header, offset } = cursor.peekHeader() as HeaderRead & { kind: 'header' };
      const bytes = readFileSync(path);
      const block = bytes.subarray(offset, offset + blockBytesOf(header));
      const [filter, content] = [block.subarray(0, 0), block.subarray(BLOCK_HEADER_BYTES, -TAG_BYTES)];
      const place = { segmentFirstSeq: firstSeq, offset };
      const parts = { header: block, filter, ciphertext: content, tag: block.subarray(-TAG_BYTES) };
      const payload = cipher.openBlock(header, place, parts)!;
      block.writeUInt32BE(1, 196);
      const sealed = cipher.sealBlock(header, place, { header: block, filter, nonce: header.nonce, payload });
      sealed.ciphertext.copy(block, BLOCK_HEADER_BYTES);
      sealed.tag.copy(block, block.length - TAG_BYTES);
      finishBlockHeader(block, contentCrcOf(filter, sealed.ciphertext, sealed.tag));
      writeFileSync(path, bytes);
      cursor.forget();
      expect(cursor.next(cipher)).toMatchObject({ kind: 'bad', offset, reason: 'subject filter fails its CRC' });
      cursor.close();
    });
  });

  it('keeps its views within the window, also over blocks larger than it', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await EventLogWriter.open({ directory, origin: 'north', keys });
      const texts = Array.from({ length: 40 }, (_, i) => String.fromCharCode(33 + i).repeat(30_000 + 500 * i));
      await writer.append(texts.map((text, i) => sampleRecord(i, 'device.joined', text)));
      await writer.close();
      const cipher = new BlockCipher(keys, readIdentity(directory).logId);
      for (const windowBytes of [1, HOP_WINDOW_BYTES, SCAN_WINDOW_BYTES]) {
        const cursor = new SegmentCursor(listSegments(directory)[0]!, { windowBytes });
        const found: string[] = [];
        for (let read = cursor.next(cipher); read.kind === 'block'; read = cursor.next(cipher)) {
          for (let i = 0; i < read.block.count; i++)
            found.push((JSON.parse(read.block.bodyTextAt(i)) as { data: { text: string } }).data.text);
        }
        expect(found).toEqual(texts);
        cursor.close();
      }
    });
  });
});

describe('openPayload', () => {
  it('takes no memory for a length that the header does not give', () => {
    const cipher = new BlockCipher(keys, Buffer.alloc(16));
    const session = { dataKeyId: 1, sessionSalt: Buffer.alloc(32) };
    const nonce = Buffer.alloc(12);
    const place = { segmentFirstSeq: 0, offset: 0 };
    const plain = Buffer.alloc(100);
    plain.writeUInt32LE(0xffff_fff0, 0);
    const header = Buffer.alloc(BLOCK_HEADER_BYTES);
    const sealed = cipher.sealBlock(session, place, { header, nonce, filter: Buffer.alloc(0), payload: plain });
    const bytes = Buffer.concat([header, sealed.ciphertext, sealed.tag]);
    const fields = { ...session, nonce, codec: 1, filterBytes: 0, cipherBytes: plain.length, rawBytes: 5000 };
    const opened = openPayload(cipher, fields as Parameters<typeof openPayload>[1], bytes, place);
    expect(opened).toEqual({ kind: 'bad', reason: 'payload does not decompress to its length' });
    const moved = openPayload(cipher, fields as Parameters<typeof openPayload>[1], bytes, { ...place, offset: 1 });
    expect(moved.kind).toBe('unauthentic');
  });
});

describe('BlockIndexes', () => {
  it('finds the same blocks by the footer as by the headers', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const segment = listSegments(directory)[0]!;
      const byFooter = new BlockIndexes(cipher).of(segment, false);
      truncateSync(segment.path, byFooter.endOffset);
      const byHeaders = new BlockIndexes(cipher).of(segment, false);
      const { gaps, endSeq, endOffset, root } = byFooter;
      // The footer gives filters that are authenticated with it, the headers a CRC for each: 0, as these are empty.
      const blocks = byFooter.blocks.map((block) => ({ ...block, filterCrc: 0 }));
      expect(byHeaders).toEqual({ ...byHeaders, blocks, gaps, endSeq, endOffset, root, isFinished: false });
      expect([byFooter.isFinished, blocks.length > 2, gaps]).toEqual([true, true, []]);
    });
  });

  it('keeps a bounded number of segments', async () => {
    await inTemporaryDirectory(async (directory) => {
      const cipher = await fill(directory);
      const finished = listSegments(directory).slice(0, -1);
      const indexes = new BlockIndexes(cipher, { segmentsMax: 2, bytesMax: 1 << 20 });
      const found = finished.map((segment) => indexes.of(segment, false));
      expect([finished.length > 3, indexes.evictions]).toEqual([true, finished.length - 2]);
      expect(indexes.of(finished.at(-1)!, false)).toBe(found.at(-1));
      const again = indexes.of(finished[0]!, false);
      expect(again).toEqual(found[0]);
      expect(again).not.toBe(found[0]);
      const none = new BlockIndexes(cipher, { segmentsMax: 2, bytesMax: -1 });
      expect(none.of(finished[0]!, false)).not.toBe(none.of(finished[0]!, false));
    });
  });
});
