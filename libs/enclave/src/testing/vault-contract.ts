import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, subjectsOfEvent, type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import fc from 'fast-check';
import { openWithSlotKeys } from '../event-opener';
import { type PersonalDataVault, type SealedEvent, type SlotKey } from '../personal-data';
import { reopenedOf, revealedOf, sealedOf, slotKeysOf } from './one-event';
import { TIME, eventOf, readEvent as read, storedOf } from './sample-events';
import { ANY_EVENT } from './any-event';
import { filesOf } from './directory-files';
import { shippedFields } from './shipped-fields';
import { type VaultUnderTest } from './vault-under-test';

/** Tests of what is sealed, opened and destroyed, for every implementation of {@link PersonalDataVault}. */
export function describeFields(name: string, underTest: VaultUnderTest): void {
  describe(`${name}, as a vault of personal data`, () => {
    let directory: string;
    let vault: PersonalDataVault;

    async function reopen(): Promise<void> {
      await vault.close();
      vault = await underTest.open(directory, 'write', shippedFields());
    }

    function seal(event: ProtegoEvent): Promise<SealedEvent> {
      return sealedOf(vault, event);
    }

    function reveal(event: SealedEvent): Promise<OpenedEvent> {
      return revealedOf(vault, event);
    }

    function text(value: string, id = 'e-2'): Promise<SealedEvent> {
      const data = { device: { uid: 'h-1' }, process: { name: 'x', cmd_line: value } };
      return seal(eventOf('device.process-started', data, { id }));
    }

    async function keyIdsOf(subject: string): Promise<readonly string[]> {
      return (await vault.find(subject))?.keyIds ?? [];
    }

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'protego-vault-'));
      vault = await underTest.open(directory, 'write', shippedFields());
    });

    afterEach(async () => {
      await vault.close();
      rmSync(directory, { recursive: true });
    });

    it('leaves an event without personal fields as it is', async () => {
      const event = eventOf(
        'device.joined',
        { device: { uid: 'pump-1', ward: 'w' }, network: 'n' },
        { subject: 'pump-1' },
      );
      const sealed = await seal(event);
      expect(sealed.body.toString()).toBe(canonicalJson(event));
      expect(sealed.sealed).toHaveLength(0);
      expect(sealed.pipelineEvent).toEqual(event);
      expect(sealed.pseudonyms.size).toBe(0);
      expect(sealed.subjects).toEqual(['pump-1']);
      expect(sealed.contentHash).toHaveLength(8);
    });

    it('stores tokens only, and gives the pipeline staff in clear and patients as tokens', async () => {
      const sealed = await seal(read);
      const body = sealed.body.toString();
      for (const clear of ['p-016', 'Jane', 'pt-0010', 'John', '1950']) expect(body).not.toContain(clear);
      const stored = storedOf(sealed);
      expect(stored.subject).toMatch(/^~s\.[\w-]{22}$/);
      const { actor, patient } = stored.data as { actor: { user: { uid: string } }; patient: { uid: string } };
      expect(actor.user.uid).toBe(stored.subject);
      expect(patient.uid).toMatch(/^~p\.[\w-]{22}$/);
      const pipeline = sealed.pipelineEvent;
      expect(pipeline.subject).toBe('p-016');
      expect(pipeline.data).toMatchObject({
        actor: read.data['actor'],
        patient: { uid: patient.uid, ward: 'surgery' },
      });
      expect(canonicalJson(pipeline)).not.toMatch(/pt-0010|John|1950/);
      expect(sealed.pseudonyms.get('p-016')).toBe(stored.subject);
      expect(sealed.pseudonyms.get('Jane Doe')).toMatch(/^~s\./);
      expect(sealed.pseudonyms.has('pt-0010')).toBe(false);
      expect(sealed.subjects).toEqual(expect.arrayContaining([stored.subject, patient.uid, 'tablet-02']));
      expect([...sealed.subjects].sort()).toEqual(subjectsOfEvent(stored).sort());
      expect(read.data['patient']).toMatchObject({ uid: 'pt-0010' });
    });

    it('opens for the pipeline what the pipeline saw when it was sealed, also after a restart', async () => {
      const sealed = await seal(read);
      await vault.flush();
      await reopen();
      const opened = await reopenedOf(vault, sealed);
      expect(opened.event).toEqual(sealed.pipelineEvent);
      expect(opened.pseudonyms).toEqual(sealed.pseudonyms);
      expect(opened.erased).toEqual([]);
      expect(await reveal(sealed)).toMatchObject({ event: read, erased: [] });
    });

    it('gives out keys that open single slots of one record', async () => {
      const sealed = await seal(read);
      const again = await seal(read);
      const keys = await slotKeysOf(vault, sealed);
      expect(openWithSlotKeys(storedOf(sealed), sealed.sealed, keys)).toMatchObject({ event: read, erased: [] });
      const [staff] = keys as [SlotKey];
      const part = openWithSlotKeys(storedOf(sealed), sealed.sealed, [staff]);
      expect(part.event.data).toMatchObject({ actor: read.data['actor'] });
      expect([...part.erased].sort()).toEqual(['birth_date', 'name', 'uid'].map((name) => `/data/patient/${name}`));
      expect(() => openWithSlotKeys(storedOf(again), again.sealed, [staff])).toThrow(
        expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }),
      );
    });

    it('opens for a reader what its writer seals meanwhile', async () => {
      const reader = await underTest.open(directory, 'read', shippedFields());
      const sealed = await seal(read);
      await vault.flush();
      expect((await revealedOf(reader, sealed)).event).toEqual(read);
      const stranger = eventOf('access.signed-in', { user: { uid: 'new' } });
      expect(await reader.seal([read, stranger, read])).toMatchObject([
        { kind: 'sealed' },
        { kind: 'refused', error: { code: 'LOG_READ_ONLY' } },
        { kind: 'sealed' },
      ]);
      await reader.close();
    });

    it('gives one person one token, however the name is written', async () => {
      const names = ['p-016', ' P-016 ', 'P\u2010016'.normalize('NFKD')];
      const tokens = await Promise.all(
        names.map(async (uid) => storedOf(await seal(eventOf('access.signed-in', { user: { uid } }))).data['user']),
      );
      expect(tokens[1]).toEqual(tokens[0]);
      expect(tokens[2]).not.toEqual(tokens[0]);
      const spellings = ['HOSPITAL\\jdoe', 'jdoe@hospital.example', 'JDoe'];
      const accounts = await Promise.all(
        spellings.map(
          async (User) => storedOf(await seal(eventOf('device.host-event-recorded', { User }))).data['User'],
        ),
      );
      expect(new Set(accounts).size).toBe(1);
    });

    it('leaves well-known accounts open', async () => {
      const data = { User: 'NT AUTHORITY\\SYSTEM', SubjectUserName: 'WARD-7$', TargetUserName: '-' };
      expect(storedOf(await seal(eventOf('device.host-event-recorded', data))).data).toEqual(data);
    });

    it('seals what is not declared, with its name', async () => {
      const event = eventOf('access.signed-in', { user: { uid: 'p-1' }, 'notes of Mary Major': { a: [1, 'b'] } });
      const sealed = await seal(event);
      expect(sealed.body.toString()).not.toContain('Major');
      expect(sealed.pipelineEvent).toEqual(event);
      expect((await reopenedOf(vault, sealed)).event).toEqual(event);
    });

    it.each(['~s.AAAAAAAAAAAAAAAAAAAAAA', '~p.AAAAAAAAAAAAAAAAAAAAAA', '~t.0', '~k.0'])(
      'lets nobody send in the placeholder %s',
      async (forged) => {
        const event = eventOf(
          'access.record-read',
          {
            actor: { user: { uid: forged } },
            patient: { uid: forged },
            device: { uid: forged, [forged]: forged },
            reason: forged,
            [forged]: forged,
          },
          { subject: forged },
        );
        const sealed = await seal(event);
        expect(sealed.subjects).not.toContain(forged);
        const { data } = storedOf(sealed) as unknown as {
          data: { actor: { user: { uid: string } }; patient: { uid: string } };
        };
        expect([data.actor.user.uid, data.patient.uid]).not.toContain(forged);
        expect(await reveal(sealed)).toMatchObject({ event, erased: [] });
        expect((await reopenedOf(vault, sealed)).event).toEqual(sealed.pipelineEvent);
      },
    );

    it('leaves what the engine writes as it is, tokens included', async () => {
      const event = eventOf('detection.raised', { entities: [{ kind: 'person', id: '~s.AAAAAAAAAAAAAAAAAAAAAA' }] });
      const sealed = await seal(event);
      expect(sealed.body.toString()).toBe(canonicalJson(event));
      expect(sealed.subjects).toContain('~s.AAAAAAAAAAAAAAAAAAAAAA');
    });

    describe('content hash', () => {
      it('is equal for equal content, and for no other', async () => {
        const hash = (await seal(read)).contentHash;
        const swapped = Object.fromEntries(Object.entries(read).reverse()) as unknown as ProtegoEvent;
        expect((await seal(swapped)).contentHash).toEqual(hash);
        await reopen();
        expect((await seal(read)).contentHash).toEqual(hash);
        const changed = [
          { ...read, subject: 'P-016' },
          { ...read, data: { ...read.data, patient: { uid: 'pt-0011' } } },
          { ...read, data: { ...read.data, reason: 'x' } },
        ];
        const others = await Promise.all(changed.map(async (event) => (await seal(event)).contentHash.toString('hex')));
        expect(new Set([...others, hash.toString('hex')]).size).toBe(4);
      });

      it('does not change when a person in a text becomes known', async () => {
        const first = await text('run /home/jane.doe/x');
        await seal(read);
        const second = await text('run /home/jane.doe/x');
        expect(second.contentHash).toEqual(first.contentHash);
        expect(await slotKeysOf(vault, first)).toHaveLength(1);
        expect((await text('run /home/jane.doe/y')).contentHash).not.toEqual(first.contentHash);
      });

      it('differs once the person is forgotten, so that nobody can try out guesses', async () => {
        const hash = (await seal(read)).contentHash;
        await vault.destroy(await keyIdsOf('p-016'));
        expect((await seal(read)).contentHash).not.toEqual(hash);
      });
    });

    describe('an erasure', () => {
      const other = eventOf('access.signed-in', { user: { uid: 'p-020' } }, { subject: 'p-020' });

      it('makes the person unreadable and nobody else', async () => {
        const both = await seal(read);
        const others = await seal(other);
        const named = await text('del C:\\Users\\jane.doe\\x & curl http://h/?who=Jane%20Doe');
        const about = await text('p-020 was here');
        await vault.flush();
        expect(await vault.destroy(await keyIdsOf('p-016'))).toBe(1);
        for (const again of [false, true]) {
          if (again) await reopen();
          const revealed = await reveal(both);
          expect(revealed.event.data).toMatchObject({ patient: read.data['patient'] });
          expect(canonicalJson(revealed.event)).not.toMatch(/p-016|Jane/);
          expect([...revealed.erased].sort()).toEqual(['/data/actor/user/name', '/data/actor/user/uid', '/subject']);
          const pipeline = await reopenedOf(vault, both);
          expect([...pipeline.erased].sort()).toEqual([...revealed.erased].sort());
          expect((await reveal(others)).event).toEqual(other);
          expect(await reveal(named)).toMatchObject({ erased: ['/data/process/cmd_line'] });
          expect((await reveal(about)).erased).toEqual([]);
          expect(await slotKeysOf(vault, both)).toHaveLength(1);
          expect(await slotKeysOf(vault, named)).toHaveLength(0);
        }
      });

      it('leaves neither key nor name in any file, whoever reads them', async () => {
        const sealed = await seal(read);
        const { slot, key } = (await slotKeysOf(vault, sealed))[0] as SlotKey;
        expect(slot).toBe(0);
        const before = filesOf(directory);
        await vault.flush();
        await vault.destroy(await keyIdsOf('p-016'));
        const reader = await underTest.open(directory, 'read', shippedFields());
        expect((await revealedOf(reader, sealed)).erased).toContain('/data/actor/user/uid');
        await reader.close();
        expect(before.length).toBeGreaterThan(0);
        for (const bytes of filesOf(directory)) {
          for (const secret of [key, Buffer.from('p-016'), Buffer.from('Jane Doe'), Buffer.from('jane doe')]) {
            expect(bytes.includes(secret)).toBe(false);
          }
        }
      });

      it('is noticed by readers that are open', async () => {
        const sealed = await seal(read);
        await vault.flush();
        const reader = await underTest.open(directory, 'read', shippedFields());
        expect((await revealedOf(reader, sealed)).erased).toEqual([]);
        await vault.destroy(await keyIdsOf('p-016'));
        await new Promise((resolve) => setTimeout(resolve, 600));
        expect((await revealedOf(reader, sealed)).erased).toContain('/subject');
        await reader.close();
      });

      it('gives a person who comes back the same token and another key', async () => {
        await seal(read);
        const before = await vault.find('p-016');
        await vault.destroy(before?.keyIds ?? []);
        expect(await vault.find('p-016')).toBeUndefined();
        expect(await vault.tokensOf('p-016')).toContain(before?.token);
        await seal(read);
        const after = await vault.find('p-016');
        expect(after?.token).toBe(before?.token);
        expect(after?.keyIds).not.toEqual(before?.keyIds);
      });

      it('of keys that are not there does nothing', async () => {
        expect(await vault.destroy(['00'.repeat(16), 'nonsense'])).toBe(0);
      });

      it('covers keys that are not on the disk yet', async () => {
        await seal(read);
        const keyIds = await keyIdsOf('p-016');
        expect(await vault.destroy(keyIds)).toBe(1);
        await reopen();
        expect(await vault.destroy(keyIds)).toBe(0);
        expect(await vault.find('p-016')).toBeUndefined();
      });
    });

    describe('names', () => {
      it.each([
        'C:\\Users\\jane.doe\\a.exe',
        'https://h/?q=Jane%20Doe',
        'https://h/?q=jane+doe&x=1',
        'JANE_DOE',
        'Doe, Jane',
        'janedoe',
        'user "P-016" failed',
      ])('are found in %s', async (command) => {
        await seal(read);
        const found = await text(command);
        const [key] = await slotKeysOf(vault, found);
        expect(key).toBeDefined();
        await vault.destroy(await keyIdsOf('p-016'));
        expect((await reveal(found)).erased).toEqual(['/data/process/cmd_line']);
      });

      it('in the same event count at once, also in nested values and names of members', async () => {
        const event = eventOf('access.signed-in', { user: { uid: 'w.white' }, extra: { list: [{ 'w white': 1 }] } });
        const sealed = await seal(event);
        await vault.destroy(await keyIdsOf('w.white'));
        expect((await reveal(sealed)).erased).toHaveLength(2);
      });

      it('lead to the person; those of several persons lead to none of them', async () => {
        await seal(read);
        expect(await vault.find('jane doe')).toEqual(await vault.find('p-016'));
        expect(await vault.find('John Roe')).toEqual(await vault.find('pt-0010'));
        expect(await vault.find('nobody')).toBeUndefined();
        await seal(eventOf('access.signed-in', { user: { uid: 'p-077', name: 'Jane Doe' } }));
        const ref = await vault.find('p-016');
        const tokens = [ref?.token, (await vault.find('p-077'))?.token];
        await expect(vault.find('Jane Doe')).rejects.toMatchObject({ code: 'PERSON_AMBIGUOUS', details: { tokens } });
        expect([ref?.keyIds.length, ref?.aliases.length, ref?.shared]).toEqual([1, 1, ref?.aliases]);
      });

      it('lead to keys of accounts that are declared to be the person, and to nobody who is only named alike', async () => {
        const sid = 'S-1-5-21-11-22-33-1001';
        const account = { SubjectUserName: 'KLINIK\\j.doe', SubjectUserSid: sid };
        const alone = await seal(eventOf('watchlist.entry-added', { list: 'l', value: sid }));
        await seal(eventOf('watchlist.entry-added', { list: 'l', value: 'Jane Doe' }, { id: 'e-9' }));
        await seal(read);
        expect((await vault.find('p-016'))?.keyIds).toHaveLength(1);
        await seal(eventOf('device.host-event-recorded', account, { id: 'e-3' }));
        await reopen();
        const ref = await vault.find('j.doe');
        expect(ref?.keyIds).toHaveLength(2);
        expect(await vault.find(sid)).toMatchObject({ keyIds: [...(ref?.keyIds ?? [])].reverse() });
        const { value } = storedOf(alone).data as { value: string };
        expect(await vault.tokensOf('j.doe')).toEqual(expect.arrayContaining([ref?.token, value]));
        await vault.destroy(ref?.keyIds ?? []);
        expect((await reveal(alone)).erased).toEqual(['/data/value']);
      });

      it('that are shared need all keys: one erasure is enough', async () => {
        await seal(read);
        await seal(eventOf('access.signed-in', { user: { uid: 'p-020' } }));
        const named = await text('p-020 wrote to p-016');
        expect((await reveal(named)).erased).toEqual([]);
        await vault.destroy(await keyIdsOf('p-020'));
        expect((await reveal(named)).erased).toEqual(['/data/process/cmd_line']);
      });
    });

    describe('bytes from outside', () => {
      it('are sealed under the persons in them, else under source and month', async () => {
        await seal(read);
        const named = await vault.sealText(Buffer.from('{"broken": "Jane Doe'), 'ehr', Date.parse(TIME));
        const plain = await vault.sealText(Buffer.from([0, 1, 0xff]), 'ehr', Date.parse(TIME));
        expect((await vault.openText(named))?.toString()).toBe('{"broken": "Jane Doe');
        expect(await vault.openText(plain)).toEqual(Buffer.from([0, 1, 0xff]));
        await vault.destroy(await keyIdsOf('p-016'));
        expect(await vault.openText(named)).toBeUndefined();
        expect(await vault.openText(plain)).toEqual(Buffer.from([0, 1, 0xff]));
      });

      it.each([
        ['after an escape', Buffer.from('{"note":"seen\\nJane Doe", broken')],
        ['in escapes', Buffer.from('{"note":"\\u004aane Do\\u0065", broken')],
        ['in JSON within JSON', Buffer.from(JSON.stringify({ raw: JSON.stringify({ note: '\nJane Doe' }) }))],
        ['in UTF-16', Buffer.from('{"name":"Jane Doe", broken', 'utf16le')],
        ['in UTF-16, high bytes first', Buffer.from('{"name":"Jane Doe", broken', 'utf16le').swap16()],
      ])('belong to a person named in them %s', async (_, bytes) => {
        await seal(read);
        const named = await vault.sealText(bytes, 'ehr', Date.parse(TIME));
        expect(await vault.openText(named)).toEqual(bytes);
        await vault.destroy(await keyIdsOf('p-016'));
        expect(await vault.openText(named)).toBeUndefined();
      });
    });

    describe('for any event', () => {
      it('reveals a member that is named as another one is hidden', async () => {
        const event = eventOf('access.signed-in', { device: { nested: { uid: 'a', '~k.0': 'b', '~k.1': 'c' } } });
        expect(await reveal(await seal(event))).toMatchObject({ event, erased: [] });
      });

      it('reveals exactly what was sealed', async () => {
        await fc.assert(
          fc.asyncProperty(ANY_EVENT, async (each) => {
            const sealed = await seal(each);
            const stored = storedOf(sealed);
            const revealed = await reveal(sealed);
            expect(canonicalJson(revealed.event)).toBe(canonicalJson(each));
            expect(revealed.erased).toEqual([]);
            if (sealed.sealed.length === 0) return;
            const opened = await reopenedOf(vault, sealed);
            expect(canonicalJson(opened.event)).toBe(canonicalJson(sealed.pipelineEvent));
            expect([...opened.pseudonyms].sort()).toEqual([...sealed.pseudonyms].sort());
            expect([...sealed.subjects]).toEqual(subjectsOfEvent(stored));
            expect((await seal(each)).contentHash).toEqual(sealed.contentHash);
          }),
          { numRuns: 400 },
        );
      });

      it('never gives other text for altered bytes', async () => {
        const sealed = await seal({ ...read, data: { ...read.data, reason: 'p-016 said so' } });
        const clear = canonicalJson((await reveal(sealed)).event);
        let refused = 0;
        const wrong: number[] = [];
        for (let bit = 0; bit < sealed.sealed.length * 8; bit++) {
          const altered = Buffer.from(sealed.sealed);
          altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
          try {
            const opened = await revealedOf(vault, sealed, altered);
            // A key id that nobody knows is a key that is gone; the rest is as it was.
            if (opened.erased.length === 0 || canonicalJson(opened.event) === clear) wrong.push(bit);
          } catch (error) {
            if (!['LOG_BLOCK_CORRUPT', 'LOG_FORMAT_UNKNOWN'].includes((error as { code: string }).code)) throw error;
            refused++;
          }
        }
        expect(wrong).toEqual([]);
        expect(refused).toBeGreaterThan(sealed.sealed.length * 4);
      });
    });
  });
}
