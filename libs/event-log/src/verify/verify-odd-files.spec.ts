import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { fixedKeys } from '@protego/enclave/testing';
import { inTemporaryDirectory, sampleRecords } from '../testing';
import { EventLogWriter } from '../writer/writer';
import { verifyLog, type VerifyReport } from './verify';
import { leafHashesOfTiles, leavesInTiles } from './verify-tiles';

const keys = fixedKeys();

/** What may stand in the place of a file. */
const ODD: Readonly<Record<string, (path: string) => void>> = {
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a directory': (path) => mkdirSync(path),
  'a loop of links': (path) => symlinkSync(path, path),
  'a link to nothing': (path) => symlinkSync(`${path}.gone`, path),
  'a device': (path) => symlinkSync('/dev/zero', path),
  'a file of 8 TiB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 8 * 2 ** 40);
  },
};

async function inLog(work: (directory: string) => void): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const writer = await EventLogWriter.open({
      directory,
      origin: 'north',
      keys,
      segmentRecordsMax: 100,
      checkpoint: { everyRecords: 100, everyMs: 60_000 },
    });
    for (let seq = 0; seq < 650; seq += 50) await writer.append(sampleRecords(50, seq));
    await writer.close();
    work(directory);
  });
}

const verify = (directory: string): VerifyReport => verifyLog({ directory, keys });
const segmentOf = (directory: string, number: number): string =>
  join('segments', readdirSync(join(directory, 'segments')).sort().at(number) ?? '');

jest.setTimeout(60_000);

describe.each(Object.entries(ODD))('%s in the place of', (_, make) => {
  const put = (directory: string, name: string): VerifyReport => {
    rmSync(join(directory, name));
    make(join(directory, name));
    return verify(directory);
  };

  it('a segment is reported, and only that', async () => {
    await inLog((directory) => {
      const { problems, problemCount } = put(directory, segmentOf(directory, 1));
      expect(problemCount).toBe(1);
      expect(problems).toMatchObject([{ kind: 'altered', seq: 100, seqEnd: 200 }]);
    });
  });

  it('the last segment is reported', async () => {
    await inLog((directory) => {
      const { problems } = put(directory, segmentOf(directory, -1));
      expect(problems).toMatchObject([{ kind: 'altered', seq: 600, seqEnd: 650 }]);
    });
  });

  it('a tile is reported', async () => {
    await inLog((directory) => {
      expect(put(directory, 'tile/0/001').problems).toMatchObject([{ kind: 'tile', seq: 256, seqEnd: 512 }]);
    });
  });

  it.each(['checkpoint', 'checkpoints.jsonl'])('`%s` is reported', async (name) => {
    await inLog((directory) => {
      const { problems } = put(directory, name);
      expect(problems[0]).toMatchObject({ kind: 'checkpoint' });
      expect(problems.every(({ kind }) => kind === 'checkpoint')).toBe(true);
    });
  });

  it('`log.json` is refused with its code', async () => {
    await inLog((directory) => {
      let code: string | undefined;
      try {
        code = put(directory, 'log.json').problems[0]?.code;
      } catch (cause) {
        ({ code } = cause as { code: string });
      }
      expect(['LOG_BLOCK_CORRUPT', 'LOG_NOT_FOUND']).toContain(code);
    });
  });
});

describe('verifyLog', () => {
  it('does not let a tile with an absurd name take memory', async () => {
    await inLog((directory) => {
      const folder = join(directory, 'tile/0/x999/x999/x999');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, '999'), '');
      expect(leavesInTiles(directory)).toBe(650);
      writeFileSync(join(folder, '999'), Buffer.alloc(8192));
      expect(leafHashesOfTiles(directory, 0, 10 ** 12 * 256)).toBeUndefined();
      expect(verify(directory).problems).toMatchObject([{ kind: 'truncated', seq: 650 }]);
    });
  });

  it('refuses a segment header whose reserved field is not zero', async () => {
    await inLog((directory) => {
      const path = join(directory, segmentOf(directory, 0));
      const bytes = readFileSync(path);
      const header = bytes.subarray(0, 32);
      header.writeUInt32BE(1, 28);
      header.writeUInt32BE(0, 24);
      header.writeUInt32BE(crc32c(header), 24);
      writeFileSync(path, bytes);
      expect(verify(directory).problems).toMatchObject([{ kind: 'altered', seq: 0, seqEnd: 0, offset: 0 }]);
    });
  });

  it('says that no checkpoint speaks for the records when both files of them are gone', async () => {
    await inLog((directory) => {
      expect(verify(directory)).toMatchObject({ ok: true, unsignedFrom: 650 });
      rmSync(join(directory, 'checkpoint'));
      rmSync(join(directory, 'checkpoints.jsonl'));
      expect(verify(directory).problems).toMatchObject([{ kind: 'checkpoint', file: 'checkpoints.jsonl' }]);
      writeFileSync(join(directory, 'checkpoints.jsonl'), '');
      expect(verify(directory)).toMatchObject({ ok: true, unsignedFrom: 0, size: 650 });
    });
  });
});
