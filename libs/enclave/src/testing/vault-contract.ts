import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  canonicalJson,
  subjectsOfEvent,
  type FieldClasses,
  type OpenedEvent,
  type ProtegoEvent,
} from '@protego/contracts';
import fc from 'fast-check';
import { openWithSlotKeys } from '../event-opener';
import { type PersonalDataVault, type SealedEvent, type SlotKey } from '../personal-data';
import { TIME, eventOf, readEvent as read, storedOf } from './sample-events';
import { ANY_EVENT } from './any-event';
import { filesOf } from './directory-files';
import { shippedFields } from './shipped-fields';

/** An implementation of the vault, as its contract suite needs it. */
export interface VaultUnderTest {
  /** Opens the vault in a directory of its own, which may hold one from before. */
  open(directory: string, mode: 'write' | 'read', fields: FieldClasses): Promise<PersonalDataVault>;
}

/** Tests that every implementation of {@link PersonalDataVault} passes. */
export function describeVault(name: string, underTest: VaultUnderTest): void {
  describe(`${name}, as a vault of personal data`, () => {
    let directory: string;
    let vault: PersonalDataVault;

    async function reopen(): Promise<void> {
      await vault.close();
      vault = await underTest.open(directory, 'write', shippedFields());
    }

    function reveal(sealed: SealedEvent): OpenedEvent {
      return vault.reveal(storedOf(sealed), sealed.sealed);
    }

    function text(value: string, id = 'e-2'): SealedEvent {
      return vault.seal(
        eventOf('device.process-started', { device: { uid: 'h-1' }, process: { name: 'x', cmd_line: value } }, { id }),
      );
    }

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'protego-vault-'));
      vault = await underTest.open(directory, 'write', shippedFields());
    });

    afterEach(async () => {
      await vault.close();
      rmSync(directory, { recursive: true });
    });

    it('leaves an event without personal fields as it is', () => {
      const event = eventOf(
        'device.joined',
        { device: { uid: 'pump-1', ward: 'w' }, network: 'n' },
        { subject: 'pump-1' },
      );
      const sealed = vault.seal(event);
      expect(sealed.body.toString()).toBe(canonicalJson(event));
      expect(sealed.sealed).toHaveLength(0);
      expect(sealed.pipelineEvent).toEqual(event);
      expect(sealed.pseudonyms.size).toBe(0);
      expect(sealed.subjects).toEqual(['pump-1']);
      expect(sealed.contentHash).toHaveLength(8);
    });

    it('stores tokens only, and gives the pipeline staff in clear and patients as tokens', () => {
      const sealed = vault.seal(read);
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
      const sealed = vault.seal(read);
      await vault.flush();
      await reopen();
      const opened = vault.openForPipeline(storedOf(sealed), sealed.sealed);
      expect(opened.event).toEqual(sealed.pipelineEvent);
      expect(opened.pseudonyms).toEqual(sealed.pseudonyms);
      expect(opened.erased).toEqual([]);
      expect(reveal(sealed)).toMatchObject({ event: read, erased: [] });
    });

    it('gives out keys that open single slots of one record', () => {
      const sealed = vault.seal(read);
      const again = vault.seal(read);
      const keys = vault.slotKeys(sealed.sealed);
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
      const sealed = vault.seal(read);
      await vault.flush();
      expect(reader.reveal(storedOf(sealed), sealed.sealed).event).toEqual(read);
      expect(() => reader.seal(read)).not.toThrow();
      expect(() => reader.seal(eventOf('access.signed-in', { user: { uid: 'new' } }))).toThrow(
        expect.objectContaining({ code: 'LOG_READ_ONLY' }),
      );
      await reader.close();
    });

    it('gives one person one token, however the name is written', () => {
      const tokens = ['p-016', ' P-016 ', 'P\u2010016'.normalize('NFKD')].map(
        (uid) => storedOf(vault.seal(eventOf('access.signed-in', { user: { uid } }))).data['user'] as { uid: string },
      );
      expect(tokens[1]).toEqual(tokens[0]);
      expect(tokens[2]).not.toEqual(tokens[0]);
      const accounts = ['HOSPITAL\\jdoe', 'jdoe@hospital.example', 'JDoe'].map(
        (User) => storedOf(vault.seal(eventOf('device.host-event-recorded', { User }))).data['User'],
      );
      expect(new Set(accounts).size).toBe(1);
    });

    it('leaves well-known accounts open', () => {
      const data = { User: 'NT AUTHORITY\\SYSTEM', SubjectUserName: 'WARD-7$', TargetUserName: '-' };
      expect(storedOf(vault.seal(eventOf('device.host-event-recorded', data))).data).toEqual(data);
    });

    it('seals what is not declared, with its name', () => {
      const event = eventOf('access.signed-in', { user: { uid: 'p-1' }, 'notes of Mary Major': { a: [1, 'b'] } });
      const sealed = vault.seal(event);
      expect(sealed.body.toString()).not.toContain('Major');
      expect(sealed.pipelineEvent).toEqual(event);
      expect(vault.openForPipeline(storedOf(sealed), sealed.sealed).event).toEqual(event);
    });

    it.each(['~s.AAAAAAAAAAAAAAAAAAAAAA', '~p.AAAAAAAAAAAAAAAAAAAAAA', '~t.0', '~k.0'])(
      'lets nobody send in the placeholder %s',
      (forged) => {
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
        const sealed = vault.seal(event);
        expect(sealed.subjects).not.toContain(forged);
        const { data } = storedOf(sealed) as unknown as {
          data: { actor: { user: { uid: string } }; patient: { uid: string } };
        };
        expect([data.actor.user.uid, data.patient.uid]).not.toContain(forged);
        expect(reveal(sealed)).toMatchObject({ event, erased: [] });
        expect(vault.openForPipeline(storedOf(sealed), sealed.sealed).event).toEqual(sealed.pipelineEvent);
      },
    );

    it('leaves what the engine writes as it is, tokens included', () => {
      const event = eventOf('detection.raised', { entities: [{ kind: 'person', id: '~s.AAAAAAAAAAAAAAAAAAAAAA' }] });
      const sealed = vault.seal(event);
      expect(sealed.body.toString()).toBe(canonicalJson(event));
      expect(sealed.subjects).toContain('~s.AAAAAAAAAAAAAAAAAAAAAA');
    });

    describe('content hash', () => {
      it('is equal for equal content, and for no other', async () => {
        const hash = vault.seal(read).contentHash;
        const swapped = Object.fromEntries(Object.entries(read).reverse()) as unknown as ProtegoEvent;
        expect(vault.seal(swapped).contentHash).toEqual(hash);
        await reopen();
        expect(vault.seal(read).contentHash).toEqual(hash);
        const others = [
          { ...read, subject: 'P-016' },
          { ...read, data: { ...read.data, patient: { uid: 'pt-0011' } } },
          { ...read, data: { ...read.data, reason: 'x' } },
        ].map((event) => vault.seal(event).contentHash.toString('hex'));
        expect(new Set([...others, hash.toString('hex')]).size).toBe(4);
      });

      it('does not change when a person in a text becomes known', () => {
        const first = text('run /home/jane.doe/x');
        vault.seal(read);
        const second = text('run /home/jane.doe/x');
        expect(second.contentHash).toEqual(first.contentHash);
        expect(vault.slotKeys(first.sealed)).toHaveLength(1);
        expect(text('run /home/jane.doe/y').contentHash).not.toEqual(first.contentHash);
      });

      it('differs once the person is forgotten, so that nobody can try out guesses', async () => {
        const hash = vault.seal(read).contentHash;
        await vault.destroy(vault.find('p-016')?.keyIds ?? []);
        expect(vault.seal(read).contentHash).not.toEqual(hash);
      });
    });

    describe('an erasure', () => {
      const other = eventOf('access.signed-in', { user: { uid: 'p-020' } }, { subject: 'p-020' });

      it('makes the person unreadable and nobody else', async () => {
        const both = vault.seal(read);
        const others = vault.seal(other);
        const named = text('del C:\\Users\\jane.doe\\x & curl http://h/?who=Jane%20Doe');
        const about = text('p-020 was here');
        await vault.flush();
        expect(await vault.destroy(vault.find('p-016')?.keyIds ?? [])).toBe(1);
        for (const again of [false, true]) {
          if (again) await reopen();
          const revealed = reveal(both);
          expect(revealed.event.data).toMatchObject({ patient: read.data['patient'] });
          expect(canonicalJson(revealed.event)).not.toMatch(/p-016|Jane/);
          expect([...revealed.erased].sort()).toEqual(['/data/actor/user/name', '/data/actor/user/uid', '/subject']);
          const pipeline = vault.openForPipeline(storedOf(both), both.sealed);
          expect([...pipeline.erased].sort()).toEqual([...revealed.erased].sort());
          expect(reveal(others).event).toEqual(other);
          expect(reveal(named)).toMatchObject({ erased: ['/data/process/cmd_line'] });
          expect(reveal(about).erased).toEqual([]);
          expect(vault.slotKeys(both.sealed)).toHaveLength(1);
          expect(vault.slotKeys(named.sealed)).toHaveLength(0);
        }
      });

      it('leaves neither key nor name in any file, whoever reads them', async () => {
        const sealed = vault.seal(read);
        const { slot, key } = vault.slotKeys(sealed.sealed)[0] as { slot: number; key: Buffer };
        expect(slot).toBe(0);
        const before = filesOf(directory);
        await vault.flush();
        await vault.destroy(vault.find('p-016')?.keyIds ?? []);
        const reader = await underTest.open(directory, 'read', shippedFields());
        expect(reader.reveal(storedOf(sealed), sealed.sealed).erased).toContain('/data/actor/user/uid');
        await reader.close();
        expect(before.length).toBeGreaterThan(0);
        for (const bytes of filesOf(directory)) {
          for (const secret of [key, Buffer.from('p-016'), Buffer.from('Jane Doe'), Buffer.from('jane doe')]) {
            expect(bytes.includes(secret)).toBe(false);
          }
        }
      });

      it('is noticed by readers that are open', async () => {
        const sealed = vault.seal(read);
        await vault.flush();
        const reader = await underTest.open(directory, 'read', shippedFields());
        expect(reader.reveal(storedOf(sealed), sealed.sealed).erased).toEqual([]);
        await vault.destroy(vault.find('p-016')?.keyIds ?? []);
        await new Promise((resolve) => setTimeout(resolve, 600));
        expect(reader.reveal(storedOf(sealed), sealed.sealed).erased).toContain('/subject');
        await reader.close();
      });

      it('gives a person who comes back the same token and another key', async () => {
        vault.seal(read);
        const before = vault.find('p-016');
        await vault.destroy(before?.keyIds ?? []);
        expect(vault.find('p-016')).toBeUndefined();
        expect(vault.tokensOf('p-016')).toContain(before?.token);
        vault.seal(read);
        const after = vault.find('p-016');
        expect(after?.token).toBe(before?.token);
        expect(after?.keyIds).not.toEqual(before?.keyIds);
      });

      it('of keys that are not there does nothing', async () => {
        expect(await vault.destroy(['00'.repeat(16), 'nonsense'])).toBe(0);
      });

      it('covers keys that are not on the disk yet', async () => {
        vault.seal(read);
        const keyIds = vault.find('p-016')?.keyIds ?? [];
        expect(await vault.destroy(keyIds)).toBe(1);
        await reopen();
        expect(await vault.destroy(keyIds)).toBe(0);
        expect(vault.find('p-016')).toBeUndefined();
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
      ])('are found in %s', (command) => {
        vault.seal(read);
        const found = text(command);
        const [key] = vault.slotKeys(found.sealed);
        expect(key).toBeDefined();
        return vault.destroy(vault.find('p-016')?.keyIds ?? []).then(() => {
          expect(reveal(found).erased).toEqual(['/data/process/cmd_line']);
        });
      });

      it('in the same event count at once, also in nested values and names of members', async () => {
        const event = eventOf('access.signed-in', { user: { uid: 'w.white' }, extra: { list: [{ 'w white': 1 }] } });
        const sealed = vault.seal(event);
        await vault.destroy(vault.find('w.white')?.keyIds ?? []);
        expect(reveal(sealed).erased).toHaveLength(2);
      });

      it('lead to the person; those of several persons lead to none', () => {
        vault.seal(read);
        expect(vault.find('jane doe')).toEqual(vault.find('p-016'));
        expect(vault.find('John Roe')).toEqual(vault.find('pt-0010'));
        expect(vault.find('nobody')).toBeUndefined();
        vault.seal(eventOf('access.signed-in', { user: { uid: 'p-077', name: 'Jane Doe' } }));
        expect(vault.find('Jane Doe')).toBeUndefined();
        expect(vault.find('p-077')).toBeDefined();
      });

      it('lead to every key under which the person is sealed', async () => {
        const alone = vault.seal(eventOf('watchlist.entry-added', { list: 'l', value: 'Jane Doe' }));
        vault.seal(read);
        const ref = vault.find('p-016');
        expect(ref?.keyIds).toHaveLength(2);
        expect(vault.tokensOf('p-016')).toEqual(expect.arrayContaining([ref?.token, storedOf(alone).data['value']]));
        await vault.destroy(ref?.keyIds ?? []);
        expect(reveal(alone).erased).toEqual(['/data/value']);
      });

      it('that are shared need all keys: one erasure is enough', async () => {
        vault.seal(read);
        vault.seal(eventOf('access.signed-in', { user: { uid: 'p-020' } }));
        const named = text('p-020 wrote to p-016');
        expect(reveal(named).erased).toEqual([]);
        await vault.destroy(vault.find('p-020')?.keyIds ?? []);
        expect(reveal(named).erased).toEqual(['/data/process/cmd_line']);
      });
    });

    describe('bytes from outside', () => {
      it('are sealed under the persons in them, else under source and month', async () => {
        vault.seal(read);
        const named = vault.sealText(Buffer.from('{"broken": "Jane Doe'), 'ehr', Date.parse(TIME));
        const plain = vault.sealText(Buffer.from([0, 1, 0xff]), 'ehr', Date.parse(TIME));
        expect(vault.openText(named)?.toString()).toBe('{"broken": "Jane Doe');
        expect(vault.openText(plain)).toEqual(Buffer.from([0, 1, 0xff]));
        await vault.destroy(vault.find('p-016')?.keyIds ?? []);
        expect(vault.openText(named)).toBeUndefined();
        expect(vault.openText(plain)).toEqual(Buffer.from([0, 1, 0xff]));
      });

      it.each([
        ['after an escape', Buffer.from('{"note":"seen\\nJane Doe", broken')],
        ['in escapes', Buffer.from('{"note":"\\u004aane Do\\u0065", broken')],
        ['in JSON within JSON', Buffer.from(JSON.stringify({ raw: JSON.stringify({ note: '\nJane Doe' }) }))],
        ['in UTF-16', Buffer.from('{"name":"Jane Doe", broken', 'utf16le')],
        ['in UTF-16, high bytes first', Buffer.from('{"name":"Jane Doe", broken', 'utf16le').swap16()],
      ])('belong to a person named in them %s', async (_, bytes) => {
        vault.seal(read);
        const named = vault.sealText(bytes, 'ehr', Date.parse(TIME));
        expect(vault.openText(named)).toEqual(bytes);
        await vault.destroy(vault.find('p-016')?.keyIds ?? []);
        expect(vault.openText(named)).toBeUndefined();
      });
    });

    describe('for any event', () => {
      it('reveals a member that is named as another one is hidden', () => {
        const event = eventOf('access.signed-in', { device: { nested: { uid: 'a', '~k.0': 'b', '~k.1': 'c' } } });
        expect(reveal(vault.seal(event))).toMatchObject({ event, erased: [] });
      });

      it('reveals exactly what was sealed', () => {
        fc.assert(
          fc.property(ANY_EVENT, (each) => {
            const sealed = vault.seal(each);
            const stored = storedOf(sealed);
            const revealed = reveal(sealed);
            expect(canonicalJson(revealed.event)).toBe(canonicalJson(each));
            expect(revealed.erased).toEqual([]);
            if (sealed.sealed.length === 0) return;
            const opened = vault.openForPipeline(stored, sealed.sealed);
            expect(canonicalJson(opened.event)).toBe(canonicalJson(sealed.pipelineEvent));
            expect([...opened.pseudonyms].sort()).toEqual([...sealed.pseudonyms].sort());
            expect([...sealed.subjects]).toEqual(subjectsOfEvent(stored));
            expect(vault.seal(each).contentHash).toEqual(sealed.contentHash);
          }),
          { numRuns: 400 },
        );
      });

      it('never gives other text for altered bytes', () => {
        const sealed = vault.seal({ ...read, data: { ...read.data, reason: 'p-016 said so' } });
        const stored = storedOf(sealed);
        const clear = canonicalJson(vault.reveal(stored, sealed.sealed).event);
        let refused = 0;
        const wrong: number[] = [];
        for (let bit = 0; bit < sealed.sealed.length * 8; bit++) {
          const altered = Buffer.from(sealed.sealed);
          altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
          try {
            const opened = vault.reveal(stored, altered);
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
