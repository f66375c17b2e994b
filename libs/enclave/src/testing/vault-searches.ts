import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProtegoEvent, type StoredFields } from '@protego/contracts';
import { SEARCHED_NAMES_MAX, type PersonalDataVault } from '../personal-data';
import { sealedOf } from './one-event';
import { TIME, eventOf, readEvent, storedOf } from './sample-events';
import { shippedFields } from './shipped-fields';
import { type VaultUnderTest } from './vault-under-test';

const TIME_MS = Date.parse(TIME);

/** Tests of searches in what is sealed, for every implementation of {@link PersonalDataVault}. */
export function describeSearches(name: string, underTest: VaultUnderTest): void {
  describe(`${name}, asked what can still be read`, () => {
    let directory: string;
    let vault: PersonalDataVault;

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'protego-vault-'));
      vault = await underTest.open(directory, 'write', shippedFields());
    });

    afterEach(async () => {
      await vault.close();
      rmSync(directory, { recursive: true });
    });

    async function storedAs(event: ProtegoEvent): Promise<StoredFields> {
      const sealed = await sealedOf(vault, event);
      return { event: storedOf(sealed), sealed: sealed.sealed };
    }

    async function forget(subject: string): Promise<void> {
      await vault.destroy((await vault.find(subject))?.keyIds ?? []);
    }

    /** The last byte of a sealed part is of the tag of its last slot. */
    function altered(sealed: Uint8Array): Buffer {
      const bytes = Buffer.from(sealed);
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      return bytes;
    }

    const processOf = (text: string): ProtegoEvent =>
      eventOf('device.process-started', { device: { uid: 'h-1' }, process: { name: 'x', cmd_line: text } });
    const written = (text: Uint8Array): Promise<Buffer> => vault.sealText(text, 'ehr', TIME_MS);

    it('has nothing to say of nothing', async () => {
      expect(await vault.eventsNaming([], ['Jane Doe'])).toEqual([]);
      expect(await vault.textsNaming([], ['Jane Doe'])).toEqual([]);
      expect(await vault.namesBehind([], ['~s.x'])).toEqual([]);
      expect(await vault.hiddenTokens([], ['~s.x'])).toEqual([]);
    });

    it('finds names in fields and texts of events, in order, until their keys are gone', async () => {
      const early = await storedAs(processOf('for John Roe'));
      const open = { event: eventOf('device.joined', { note: ['roe', { x: 'john' }] }), sealed: Buffer.alloc(0) };
      const records = [
        await storedAs(readEvent),
        open,
        await storedAs(processOf('for JOHN%20ROE')),
        early,
        await storedAs(processOf('nobody')),
      ];
      const ofPatient = (): Promise<boolean[]> => vault.eventsNaming(records, ['nix', 'john.roe']);
      expect(await ofPatient()).toEqual([true, true, true, true, false]);
      expect(await vault.eventsNaming(records, ['Jane Doe'])).toEqual([true, false, false, false, false]);
      expect(await vault.eventsNaming(records, [])).toEqual(records.map(() => false));
      await forget('pt-0010');
      // Before anybody knew the name, the text was sealed under no key of the patient.
      expect(await ofPatient()).toEqual([false, true, false, true, false]);
    });

    it('finds names in texts from outside, read in every way in which they were when they were sealed', async () => {
      const wide = Buffer.from('{"name":"Jane Doe", broken', 'utf16le');
      const early = await Promise.all([Buffer.from('by jane+doe'), wide, Buffer.from([0, 1, 0xff])].map(written));
      await storedAs(readEvent);
      const late = await Promise.all([Buffer.from('{"broken": "Jane Doe'), wide.swap16()].map(written));
      const all = [...early, ...late];
      expect(await vault.textsNaming(all, ['Doe, Jane'])).toEqual([true, true, false, true, true]);
      await forget('p-016');
      expect(await vault.textsNaming(all, ['Doe, Jane'])).toEqual([true, true, false, false, false]);
    });

    it('reads refused records as what they are: split names, and bytes in Latin-1', async () => {
      const utf8 = Buffer.from('\xff J\u00f6rg B\u00f6hm', 'utf8').toString('latin1');
      const records = [
        { message: 'no event', event: { name: [{ family: 'B\u00f6hm', given: ['J\u00f6rg'] }] } },
        { message: 'no JSON', raw: `\u00ff${utf8}`, rawEncoding: 'latin1' },
        { message: 'no JSON', raw: 'J\u00f6rg B\u00f6hm', rawEncoding: 'utf8' },
        { message: 'no JSON', raw: 'somebody', rawEncoding: 'utf8' },
      ];
      const sealed = await Promise.all(records.map((record) => written(Buffer.from(JSON.stringify(record)))));
      expect(await vault.textsNaming(sealed, ['J\u00f6rg B\u00f6hm'], 'refused-record')).toEqual([
        true,
        true,
        true,
        false,
      ]);
      const none = await written(Buffer.from('{"message": "J\u00f6rg'));
      const refusal = await vault.textsNaming([none], ['x'], 'refused-record').catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
      expect(String(refusal)).not.toContain('J\u00f6rg');
    });

    it('tells the names behind tokens, and no others, while there are keys', async () => {
      const named = eventOf('access.signed-in', { user: { uid: 'p-016', name: 'Jane B. Doe' } });
      const records = [await storedAs(readEvent), await storedAs(named), await storedAs(processOf('Jane Doe'))];
      const { token, aliases } = (await vault.find('p-016')) ?? { token: '', aliases: [] };
      const patient = (await vault.find('pt-0010'))?.token as string;
      expect(await vault.namesBehind(records, [token, ...aliases])).toEqual(['Jane Doe', 'p-016', 'Jane B. Doe']);
      expect(await vault.namesBehind(records, [patient])).toEqual(['pt-0010']);
      expect(await vault.namesBehind(records, [])).toEqual([]);
      expect(await vault.hiddenTokens(records, [token, patient])).toEqual([[], [], []]);
      await forget('p-016');
      expect(await vault.namesBehind(records, [token, ...aliases, patient])).toEqual(['pt-0010']);
      expect(await vault.hiddenTokens(records, [patient, token])).toEqual([[token], [token], []]);
    });

    it('fails as a whole where one of them was altered, and names what as opening it would', async () => {
      const good = await storedAs(readEvent);
      const bad = { event: good.event, sealed: altered(good.sealed) };
      const text = await written(Buffer.from('a text'));
      const corrupt = { code: 'LOG_BLOCK_CORRUPT' };
      for (const names of [['Jane Doe'], []]) {
        await expect(vault.eventsNaming([good, bad], names)).rejects.toMatchObject(corrupt);
        await expect(vault.textsNaming([text, altered(text)], names)).rejects.toMatchObject(corrupt);
      }
      await expect(vault.namesBehind([good, bad], ['~s.x'])).rejects.toMatchObject(corrupt);
      await expect(vault.hiddenTokens([good, bad], ['~s.x'])).rejects.toMatchObject(corrupt);
      expect(await vault.eventsNaming([good], ['Jane Doe'])).toEqual([true]);
    });

    it('takes many events, long texts and long names, and other names in each call', async () => {
      const some = await Promise.all(
        [processOf('for Jane Doe'), processOf('x'.repeat(40_000)), readEvent].map(storedAs),
      );
      const many = Array.from({ length: 120 }, (_, i) => some[i % 3] as StoredFields);
      const long = Array.from({ length: 60 }, (_, i) => `${i} ${'y'.repeat(20_000)}`);
      const ofJane = many.map((_, i) => i % 3 !== 1);
      const ofJohn = many.map((_, i) => i % 3 === 2);
      expect(await vault.eventsNaming(many, ['Jane Doe', ...long])).toEqual(ofJane);
      expect(await vault.eventsNaming(many, [...long, 'John Roe'])).toEqual(ofJohn);
      expect(
        await Promise.all([vault.eventsNaming(many, ['jane doe']), vault.eventsNaming(many, ['john roe'])]),
      ).toEqual([ofJane, ofJohn]);
      const { token } = (await vault.find('pt-0010')) ?? { token: '' };
      expect(await vault.namesBehind(many, [token])).toEqual(['pt-0010']);
      expect((await vault.hiddenTokens(many, [token])).length).toBe(many.length);
      const texts = await Promise.all([Buffer.alloc(700_000, 'z '), Buffer.from('jane doe')].map(written));
      expect(await vault.textsNaming([...texts, ...texts], ['Jane Doe'])).toEqual([false, true, false, true]);
    });

    it('takes a bounded number of names', async () => {
      const names = Array.from({ length: SEARCHED_NAMES_MAX + 1 }, (_, i) => `Name ${i}`);
      const records = [await storedAs(processOf('for Name 4096'))];
      expect(await vault.eventsNaming(records, names.slice(1))).toEqual([true]);
      const refused = { code: 'ENCLAVE_CALL_INVALID' };
      await expect(vault.eventsNaming(records, names)).rejects.toMatchObject(refused);
      await expect(vault.textsNaming([], names)).rejects.toMatchObject(refused);
    });
  });
}
