import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { growthOf } from '@protego/contracts/testing';
import { BLOCK_HEADER_BYTES, BLOCK_MAGIC } from '../blocks/block-format';
import { inTemporaryDirectory } from '../testing';
import { KEYS, writeCleanLog, type CleanLog } from '../testing/tamper/tamper-log';
import { verifyLog } from './verify';

const CIPHER_BYTES_AT = 32;
const RAW_BYTES_AT = 28;

/** Raises the length in the header of block `number` of a finished segment by that of the blocks after it. */
function raiseLength(log: CleanLog, number: number, swallowed: number): { seq: number; seqEnd: number } {
  const segment = log.segments.find(({ footerOffset, blocks }) => footerOffset !== undefined && blocks.length > 8);
  const [block, after] = [segment?.blocks[number], segment?.blocks[number + 1 + swallowed]];
  if (block === undefined || after === undefined) throw new Error('the log has too few blocks');
  const path = join(log.directory, block.path);
  const bytes = readFileSync(path);
  const added = after.offset - block.offset - block.bytes;
  const header = bytes.subarray(block.offset, block.offset + BLOCK_HEADER_BYTES);
  for (const at of [CIPHER_BYTES_AT, RAW_BYTES_AT]) header.writeUInt32BE(header.readUInt32BE(at) + added, at);
  header.writeUInt32BE(crc32c(bytes.subarray(block.offset + BLOCK_HEADER_BYTES, after.offset)), 200);
  header.writeUInt32BE(crc32c(header.subarray(0, 204)), 204);
  writeFileSync(path, bytes);
  return { seq: block.seq, seqEnd: block.seqEnd };
}

jest.setTimeout(60_000);

describe('Salvager', () => {
  it('finds the blocks inside of the length that an altered header claims, checksums mended', async () => {
    await inTemporaryDirectory(async (directory) => {
      const log = await writeCleanLog(join(directory, 'log'), 7);
      const altered = raiseLength(log, 2, 4);
      const { problems } = verifyLog({ directory: log.directory, keys: KEYS });
      expect(problems).toMatchObject([{ kind: 'altered', ...altered }]);
      expect(problems).toHaveLength(1);
    });
  });

  it('gets through a segment that is full of beginnings of blocks in good time', async () => {
    await inTemporaryDirectory(async (directory) => {
      const log = await writeCleanLog(join(directory, 'log'), 8);
      const segment = log.segments.find(({ footerOffset }) => footerOffset !== undefined);
      const [first, second] = segment?.blocks ?? [];
      if (first === undefined || second === undefined) throw new Error('the log has too few blocks');
      const path = join(log.directory, first.path);
      const bytes = readFileSync(path);
      const header = Buffer.from(bytes.subarray(second.offset, second.offset + BLOCK_HEADER_BYTES));
      for (const at of [CIPHER_BYTES_AT, RAW_BYTES_AT]) header.writeUInt32BE(1 << 20, at);
      header[6] = 0;
      header.writeUInt32BE(crc32c(header.subarray(0, 204)), 204);
      const workOf = (count: number): (() => void) => {
        const stuffed = join(directory, `stuffed-${count}`);
        cpSync(log.directory, stuffed, { recursive: true });
        const headers = Buffer.concat(Array.from({ length: count / 25 }, () => header));
        const magics = Buffer.concat(Array.from({ length: count }, () => BLOCK_MAGIC));
        const put = [bytes.subarray(0, second.offset), headers, magics, bytes.subarray(second.offset)];
        writeFileSync(join(stuffed, relative(log.directory, path)), Buffer.concat(put));
        return () => expect(verifyLog({ directory: stuffed, keys: KEYS }).ok).toBe(false);
      };
      expect(growthOf(workOf, 250_000)).toBeLessThan(4);
    });
  });
});
