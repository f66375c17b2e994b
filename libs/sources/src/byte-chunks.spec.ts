import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CHUNK_BYTES_MAX, readChunks } from './byte-chunks';
import { SourceFolder } from './testing';

async function readWith(path: string): Promise<{ bytes: Buffer; chunkBytesMax: number; code: string | undefined }> {
  const chunks: Buffer[] = [];
  let code: string | undefined;
  try {
    for await (const chunk of readChunks(path)) chunks.push(chunk);
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  return { bytes: Buffer.concat(chunks), chunkBytesMax: Math.max(0, ...chunks.map((chunk) => chunk.length)), code };
}

describe('readChunks', () => {
  const folder = new SourceFolder();
  const noise = randomBytes(300_000);
  afterAll(() => folder.remove());

  it('gives the bytes of a plain file and of a gzip file, whatever their names say', async () => {
    const plain = await readWith(folder.write('a.gz', noise));
    const packed = await readWith(folder.write('a.jsonl', gzipSync(noise)));
    for (const { bytes, code } of [plain, packed]) {
      expect(code).toBeUndefined();
      expect(bytes.equals(noise)).toBe(true);
    }
  });

  it('keeps chunks small when little unpacks to much', async () => {
    const { bytes, chunkBytesMax } = await readWith(folder.write('zeros.gz', gzipSync(Buffer.alloc(20_000_000))));
    expect(bytes.length).toBe(20_000_000);
    expect(chunkBytesMax).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
  });

  it('reads all members of a gzip file', async () => {
    const path = folder.write('members.gz', Buffer.concat([gzipSync('one\n'), gzipSync(noise), gzipSync('two\n')]));
    const { bytes, code } = await readWith(path);
    expect(code).toBeUndefined();
    expect(bytes.equals(Buffer.concat([Buffer.from('one\n'), noise, Buffer.from('two\n')]))).toBe(true);
  });

  it('gives all that stands before the end of a cut file, then reports it', async () => {
    const packed = gzipSync(Buffer.concat([noise, Buffer.from('the end')]), { level: 0 });
    const { bytes, code } = await readWith(folder.write('cut.gz', packed.subarray(0, packed.length - 12)));
    expect(code).toBe('SOURCE_FILE_DAMAGED');
    expect(bytes.subarray(0, noise.length).equals(noise)).toBe(true);
  });

  it('gives all that stands before an altered byte, to the last one, then reports it', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i * 7919}\n`).join('');
    const packed = Buffer.from(gzipSync(lines));
    packed[packed.length - 6] = (packed[packed.length - 6] ?? 0) ^ 1;
    const { bytes, code } = await readWith(folder.write('altered.gz', packed));
    expect(code).toBe('SOURCE_FILE_DAMAGED');
    expect(bytes.toString()).toBe(lines);
  });

  it.each([
    [1, 'x'],
    [4096, 'x'],
    [5000, 'x'],
    [600, '\0'],
  ])('reports %d bytes behind the gzip stream', async (count, byte) => {
    const path = folder.write('tail.gz', Buffer.concat([gzipSync('line\n'), Buffer.alloc(count, byte)]));
    expect(await readWith(path)).toMatchObject({ code: 'SOURCE_FILE_DAMAGED', bytes: Buffer.from('line\n') });
  });

  it('reports bytes that start exactly where one piece of 4096 bytes ends', async () => {
    let member = gzipSync(noise.subarray(0, 8000), { level: 0 });
    member = gzipSync(noise.subarray(0, 8000 + 8192 - member.length), { level: 0 });
    expect(member.length % 4096).toBe(0);
    const { code } = await readWith(folder.write('edge.gz', Buffer.concat([member, Buffer.from('tail')])));
    expect(code).toBe('SOURCE_FILE_DAMAGED');
  });

  it.each(['missing.jsonl', '.'])('refuses `%s`', async (name) => {
    expect((await readWith(`${folder.path}/${name}`)).code).toBe('SOURCE_FILE_UNREADABLE');
  });

  it('may be left early', async () => {
    const path = folder.write('long.gz', gzipSync(noise));
    for await (const chunk of readChunks(path)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });
});
