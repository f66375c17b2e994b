import { createHash } from 'node:crypto';
import { leastCpuMs } from '@protego/contracts/testing';
import { readingsOf } from './byte-readings';
import { NameIndex } from './name-index';

const LARGE = 1_048_576;

function noise(bytes: number): Buffer {
  const blocks = Array.from({ length: bytes / 32 }, (_, i) => createHash('sha256').update(`${i}`).digest());
  return Buffer.concat(blocks);
}

describe('the readings of bytes', () => {
  const names = new NameIndex<string>();
  names.add('Jürgen Müller', 'jürgen');
  names.add('Олена Коваль', 'olena');
  const found = (bytes: Buffer): string[] => {
    const owners = new Set<string>();
    const readings = readingsOf(bytes);
    for (const text of readings) names.search(text, owners, readings.length);
    return [...owners];
  };

  it('of few bytes are all that there may be', () => {
    expect(readingsOf(Buffer.from('abc'))).toEqual(['abc']);
    expect(readingsOf(Buffer.from([0x66, 0xfc]))).toEqual(['f\ufffd', 'fü']);
    expect(readingsOf(Buffer.from([0x66, 0xfc, 0, 0x41]))).toHaveLength(4);
  });

  it('of many bytes are those that enough of them speak for', () => {
    expect(readingsOf(noise(LARGE))).toHaveLength(1);
    expect(readingsOf(Buffer.concat([Buffer.alloc(LARGE, 'für', 'latin1')]))).toHaveLength(1);
    expect(readingsOf(Buffer.concat([Buffer.alloc(LARGE, 'die Müllers sind da', 'latin1')]))).toHaveLength(2);
    expect(readingsOf(Buffer.alloc(LARGE, 'für слово ', 'utf16le'))).toHaveLength(3);
    expect(readingsOf(Buffer.alloc(LARGE, Buffer.from('\0\0a\xfc', 'latin1')))).toHaveLength(3);
  });

  it.each([
    ['Latin-1', Buffer.from(`${'viele Wörter '.repeat(20_000)}Jürgen Müller`, 'latin1'), 'jürgen'],
    [
      'UTF-8 that is damaged',
      Buffer.concat([Buffer.alloc(LARGE, 'x '), Buffer.from('ü Jürgen Müller '), Buffer.from([0xfc])]),
      'jürgen',
    ],
    ['UTF-8 with a zero', Buffer.concat([Buffer.alloc(LARGE, 'x '), Buffer.from('\0Олена Коваль')]), 'olena'],
    ['UTF-16', Buffer.from(`${'слово '.repeat(20_000)}Олена Коваль`, 'utf16le'), 'olena'],
    ['UTF-16 with the other order', Buffer.from(`${'слово '.repeat(20_000)}Олена Коваль`, 'utf16le').swap16(), 'olena'],
    ['UTF-16 within others', Buffer.concat([noise(LARGE), Buffer.from(' Jürgen Müller ', 'utf16le')]), 'jürgen'],
  ])('show a name at the end of much %s', (_, bytes, owner) => expect(found(bytes)).toEqual([owner]));

  it('are searched in no long time, whatever the bytes', () => {
    const [bytes, text] = [noise(LARGE), Buffer.alloc(LARGE, 'viele Wörter ')];
    // It takes three times as long; read in all ways, more than twenty times.
    expect(leastCpuMs(() => found(bytes))).toBeLessThan(8 * leastCpuMs(() => found(text)));
  });
});
