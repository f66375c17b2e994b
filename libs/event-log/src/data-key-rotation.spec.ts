import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@protego/contracts';
import { openHouseKeys, type LogKeys } from '@protego/enclave';
import { fixedKeys } from '@protego/enclave/testing';
import { readBlockHeader, BLOCK_HEADER_BYTES, BLOCK_MAGIC } from './blocks/block-format';
import { rotateDataKey } from './data-key-rotation';
import { writerAuthority } from './evidence/log-authority';
import { EventLogReader } from './reader/reader';
import { SteeredLayer, inTemporaryDirectory, sampleRecords, segmentPaths } from './testing';
import { EventLogWriter } from './writer/writer';

const origin = 'protego/north';

/** Number of the data key, session salt and nonce of each block. */
function blocksOf(directory: string): { dataKeyId: number; salt: string; nonce: string }[] {
  return segmentPaths(directory).flatMap((path) => {
    const bytes = readFileSync(path);
    const blocks = [];
    for (let at = bytes.indexOf(BLOCK_MAGIC); at >= 0; at = bytes.indexOf(BLOCK_MAGIC, at + 1)) {
      const header = readBlockHeader(bytes.subarray(at, at + BLOCK_HEADER_BYTES));
      if (typeof header === 'string') continue;
      const { dataKeyId, sessionSalt, nonce } = header;
      blocks.push({ dataKeyId, salt: sessionSalt.toString('hex'), nonce: nonce.toString('hex') });
    }
    return blocks;
  });
}

/** Keys of which the newest data key can be chosen; `dataKeys` of them exist. */
function steeredKeys(dataKeys: number): LogKeys & { dataKeyId: number } {
  const all = fixedKeys('rotation', dataKeys);
  const { subjectKey, dedupeKey, signer } = all;
  return { subjectKey, dedupeKey, signer, dataKeyId: 1, blockKey: (...of) => all.blockKey(...of) };
}

describe('rotateDataKey', () => {
  it('puts the new key to use in the open segment, keeps what was written, and is an event', async () => {
    await inTemporaryDirectory(async (root) => {
      const [directory, keysDirectory] = [join(root, 'log'), join(root, 'keys')];
      const house = await openHouseKeys({ directory: keysDirectory, mode: 'write' });
      const writer = await EventLogWriter.open({ directory, origin, keys: house.keys });
      const authority = writerAuthority({ writer, clock: systemClock, site: 'north' });
      await writer.append(sampleRecords(3));
      expect(await rotateDataKey({ house, authority })).toEqual({ dataKeyId: 2, eventSeq: 3 });
      await writer.append(sampleRecords(2, 3));
      expect(await rotateDataKey({ house, authority })).toEqual({ dataKeyId: 3, eventSeq: 6 });
      await writer.close();
      await house.close();
      expect(blocksOf(directory).map(({ dataKeyId }) => dataKeyId)).toEqual([1, 2, 2, 3]);
      expect(segmentPaths(directory)).toHaveLength(1);
      const { keys, close } = await openHouseKeys({ directory: keysDirectory, mode: 'read' });
      const reader = await EventLogReader.open({ directory, keys });
      expect(reader.verify()).toMatchObject({ ok: true, size: 7, problems: [] });
      const events = [...reader.query({ types: ['log.key-rotated'] })].map(
        ({ body }) => (JSON.parse(body.toString('utf8')) as { data: object }).data,
      );
      expect(events).toEqual([{ dataKeyId: 2 }, { dataKeyId: 3 }]);
      await close();
    });
  });
});

describe('whoever verifies a log', () => {
  it('takes a key that was made meanwhile for no damage, and damage for damage', async () => {
    await inTemporaryDirectory(async (root) => {
      const [directory, keysDirectory] = [join(root, 'log'), join(root, 'keys')];
      const house = await openHouseKeys({ directory: keysDirectory, mode: 'write' });
      const writer = await EventLogWriter.open({ directory, origin, keys: house.keys });
      const authority = writerAuthority({ writer, clock: systemClock, site: 'north' });
      await writer.append(sampleRecords(2));
      const readers = await openHouseKeys({ directory: keysDirectory, mode: 'read' });
      const reader = await EventLogReader.open({ directory, keys: readers.keys });
      await rotateDataKey({ house, authority });
      await writer.close();
      expect(reader.verify().ok).toBe(false);
      expect(await reader.verifyLearning()).toMatchObject({ ok: true, size: 3, problems: [] });
      await house.rotateDataKey();
      const [path = ''] = segmentPaths(directory);
      const bytes = readFileSync(path);
      writeFileSync(
        path,
        Buffer.concat([bytes.subarray(0, -9), Buffer.from([1 ^ (bytes.at(-9) as number)]), bytes.subarray(-8)]),
      );
      expect(await reader.verifyLearning()).toMatchObject({ ok: false });
      expect(readers.keys.dataKeyId).toBe(3);
      await house.close();
      await readers.close();
    });
  });
});

describe('whoever follows a log', () => {
  it('goes on over rotations by a writer elsewhere', async () => {
    await inTemporaryDirectory(async (root) => {
      const [directory, keysDirectory] = [join(root, 'log'), join(root, 'keys')];
      const house = await openHouseKeys({ directory: keysDirectory, mode: 'write' });
      const writer = await EventLogWriter.open({ directory, origin, keys: house.keys });
      const authority = writerAuthority({ writer, clock: systemClock, site: 'north' });
      await writer.append(sampleRecords(1));
      const readers = await openHouseKeys({ directory: keysDirectory, mode: 'read' });
      const reader = await EventLogReader.open({ directory, keys: readers.keys });
      const followed: number[] = [];
      for await (const { seq } of reader.follow({ signal: AbortSignal.timeout(5_000), pollMs: 1 })) {
        followed.push(seq);
        if (seq === 3) break;
        await rotateDataKey({ house, authority });
      }
      expect(followed).toEqual([0, 1, 2, 3]);
      expect(readers.keys.dataKeyId).toBe(4);
      await writer.close();
      await house.close();
      await readers.close();
      await expect(readers.keys.refresh?.()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    });
  });
});

describe('a writer whose data key is rotated', () => {
  it('changes over at the next write, with a salt of its own, in full segments and their footers too', async () => {
    await inTemporaryDirectory(async (directory) => {
      const keys = steeredKeys(4);
      const writer = await EventLogWriter.open({ directory, origin, keys, segmentRecordsMax: 5 });
      for (let round = 0; round < 12; round++) {
        keys.dataKeyId = 1 + Math.floor(round / 3);
        await writer.append(sampleRecords(2, 2 * round));
      }
      await writer.close();
      const blocks = blocksOf(directory);
      expect(blocks.map(({ dataKeyId }) => dataKeyId)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
      expect(new Set(blocks.map(({ salt }) => salt)).size).toBe(4);
      expect(new Set(blocks.map(({ salt, nonce }) => salt + nonce)).size).toBe(12);
      const reader = await EventLogReader.open({ directory, keys });
      expect(reader.verify()).toMatchObject({ ok: true, size: 24, problems: [] });
      const again = await EventLogWriter.open({ directory, origin, keys });
      expect(again.size).toBe(24);
      await again.close();
    });
  });

  it('encrypts a write under the key that was there when it began', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [keys, layer] = [steeredKeys(2), new SteeredLayer()];
      const writer = await EventLogWriter.open({ directory, origin, keys, layer });
      let release = (): void => undefined;
      layer.syncGate = new Promise((resolve) => (release = resolve));
      const first = writer.append(sampleRecords(1));
      // The header of the segment, and the first block.
      while (layer.writes < 2) await new Promise(setImmediate);
      keys.dataKeyId = 2;
      const second = writer.append(sampleRecords(1, 1));
      release();
      await Promise.all([first, second]);
      await writer.close();
      expect(blocksOf(directory).map(({ dataKeyId }) => dataKeyId)).toEqual([1, 2]);
    });
  });

  it('fails before it encrypts anything when there is no such key', async () => {
    await inTemporaryDirectory(async (directory) => {
      const keys = steeredKeys(1);
      const writer = await EventLogWriter.open({ directory, origin, keys });
      await writer.append(sampleRecords(1));
      keys.dataKeyId = 2;
      await expect(writer.append(sampleRecords(1, 1))).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
      await writer.close();
      expect(blocksOf(directory)).toHaveLength(1);
    });
  });
});
