import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseFieldDeclarations } from '@protego/contracts';
import { fixedHouse } from '@protego/enclave/testing';
import { NameSearch, type HouseKeys } from '@protego/enclave';
import { openRefused, refusedFileOf, refusedFilesIn, refusedNaming, sealRefused } from './refused-records';
import { inTemporaryDirectory } from './testing';

const NOW_MS = Date.parse('2026-02-01T00:00:00Z');
const FIELDS = parseFieldDeclarations(
  "classes: [{types: ['*'], open: [specversion, id, source, type, time, site], staff: [subject]}]",
  'fields.yaml',
);
const PLACE = { code: 'EVENT_JSON_INVALID', path: 'in.ndjson', line: 7 };

/** A house that knows a-101, and not that she is called Ada Example. */
async function inHouse(test: (house: HouseKeys, directory: string) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const house = await fixedHouse(join(directory, 'keys'), FIELDS);
    try {
      const event = { specversion: '1.0', id: '1', source: 'ehr', type: 'access.signed-in', site: 'ward' } as const;
      await house.vault.seal([{ ...event, time: '2026-02-01T00:00:00Z', subject: 'a-101', data: {} }]);
      await test(house, directory);
    } finally {
      await house.close();
    }
  });
}

const refusalOf = (text: Buffer): Parameters<typeof sealRefused>[0] => {
  const isText = text.equals(Buffer.from(text.toString('utf8')));
  const rawEncoding = isText ? 'utf8' : 'base64';
  return {
    ...PLACE,
    message: `no JSON: ${text.toString('utf8', 0, 12)}`,
    raw: text.toString(rawEncoding),
    rawEncoding,
  };
};

describe('records that an import refused', () => {
  it.each([
    ['UTF-8', Buffer.from('{"who":"a-101", broken')],
    ['Latin-1', Buffer.from('{"ort":"K\xf6ln","who":"then\\na-101", broken', 'latin1')],
    ['any bytes', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  ])('are sealed and opened as they came: %s', async (_, text) => {
    await inHouse(async ({ vault }) => {
      const record = refusalOf(text);
      const line = await sealRefused(record, vault, 'ehr', NOW_MS);
      expect(Object.keys(JSON.parse(line) as object)).toEqual(['code', 'path', 'line', 'sealed']);
      expect(JSON.parse(line)).toMatchObject(PLACE);
      expect(await openRefused(line, vault)).toEqual(record);
      expect(await openRefused(JSON.stringify(record), vault)).toEqual(record);
      await vault.destroy(await keyIdsOf(vault));
      const isNamed = text.includes('a-101');
      expect(await openRefused(line, vault)).toEqual(isNamed ? { ...PLACE, erased: true } : record);
    });
  });

  it('are searched for a person who can still be read in them', async () => {
    await inHouse(async ({ vault }, directory) => {
      const named = refusalOf(Buffer.from('{"who":"a-101", broken'));
      const early = refusalOf(Buffer.from('{"who":"Ada Example", broken'));
      const earlyLatin = refusalOf(Buffer.from('{"ort":"K\xf6ln","who":"Ada Example", broken', 'latin1'));
      const lines = await Promise.all(
        [named, early, earlyLatin].map((record) => sealRefused(record, vault, 'ehr', NOW_MS)),
      );
      const path = refusedFileOf(directory, NOW_MS);
      writeFileSync(path, `${lines.join('\n')}\n${JSON.stringify(early)}\nnot a line\n`);
      writeFileSync(join(directory, 'rejects-1.ndjson'), `${lines[0]}\n`);
      expect(refusedFilesIn(directory).map((file) => basename(file))).toEqual([
        'rejects-1.ndjson',
        `rejects-${NOW_MS}.ndjson`,
      ]);
      await vault.destroy(await keyIdsOf(vault));
      const found = await refusedNaming(directory, vault, new NameSearch(['a-101', 'ada.example']));
      expect(found).toEqual([{ kind: 'file', name: path, note: expect.stringMatching(/^3 records/) }]);
    });
  });
});

async function keyIdsOf(vault: HouseKeys['vault']): Promise<readonly string[]> {
  await vault.flush();
  return (await vault.find('a-101'))?.keyIds ?? [];
}
