import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProtegoEvent } from '@protego/contracts';
import { applyOpened, type OpenedFields } from '../opened-fields';
import {
  type Admission,
  type AdmittedEvent,
  type PersonalDataVault,
  type RawEvent,
  type SealedEvent,
} from '../personal-data';
import { reopenedOf, revealedOf, sealedOf, slotKeysOf } from './one-event';
import { SAMPLE_GATE } from './sample-gate';
import { TIME, eventOf, readEvent, storedOf } from './sample-events';
import { shippedFields } from './shipped-fields';
import { type VaultUnderTest } from './vault-under-test';

const joined = eventOf('device.joined', { device: { uid: 'pump-1', ward: 'w' }, network: 'n' }, { subject: 'pump-1' });
const signedIn = eventOf('access.signed-in', { user: { uid: 'p-020' } }, { id: 'e-3', subject: 'p-020' });
/** An event that nobody can write down: a lone surrogate has no canonical form. */
const unwritable = eventOf('access.signed-in', { user: { uid: 'p-021' }, device: { uid: '\ud800' } }, { id: 'e-4' });

function rawOf(event: ProtegoEvent, more: Partial<RawEvent> = {}): RawEvent {
  return { bytes: Buffer.from(JSON.stringify(event)), source: event.source, family: undefined, ...more };
}

function admittedOf(admission: Admission | undefined): AdmittedEvent {
  if (admission?.kind !== 'admitted') throw admission?.error ?? new Error('a message was left without outcome');
  return admission.event;
}

/** Tests of what goes many at a time, for every implementation of {@link PersonalDataVault}. */
export function describeBatches(name: string, underTest: VaultUnderTest): void {
  describe(`${name}, asked for many at a time`, () => {
    let directory: string;
    let vault: PersonalDataVault;

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'protego-vault-'));
      vault = await underTest.open(directory, 'write', shippedFields(), SAMPLE_GATE);
    });

    afterEach(async () => {
      await vault.close();
      rmSync(directory, { recursive: true });
    });

    const codesOf = (outcomes: readonly { readonly kind: string; readonly error?: { readonly code: string } }[]) =>
      outcomes.map(({ kind, error }) => error?.code ?? kind);

    it('has nothing to say of nothing', async () => {
      expect(await vault.seal([])).toEqual([]);
      expect(await vault.admit([])).toEqual([]);
      expect(await vault.reveal([])).toEqual([]);
      expect(await vault.openForPipeline([])).toEqual([]);
      expect(await vault.openFieldsForPipeline([])).toEqual([]);
      expect(await vault.slotKeys([])).toEqual([]);
    });

    it('seals in order, and lets one that cannot be sealed take no other along', async () => {
      const sealings = await vault.seal([joined, unwritable, readEvent, signedIn]);
      expect(codesOf(sealings)).toEqual(['sealed', 'EVENT_TEXT_INVALID', 'sealed', 'sealed']);
      const sealed = sealings.flatMap((sealing) => (sealing.kind === 'sealed' ? [sealing.sealed] : []));
      expect(sealed.map((each) => storedOf(each).id)).toEqual([joined, readEvent, signedIn].map(({ id }) => id));
      for (const [i, event] of [joined, readEvent, signedIn].entries())
        expect((await revealedOf(vault, sealed[i] as SealedEvent)).event).toEqual(event);
    });

    it('opens in order what is sealed and what is not', async () => {
      const events = [joined, readEvent, signedIn, joined, readEvent];
      const sealed = await Promise.all(events.map((event) => sealedOf(vault, event)));
      const records = sealed.map((each) => ({ event: storedOf(each), sealed: each.sealed }));
      expect((await vault.reveal(records)).map(({ event }) => event)).toEqual(events);
      expect((await vault.openForPipeline(records)).map(({ event }) => event)).toEqual(
        sealed.map(({ pipelineEvent }) => pipelineEvent),
      );
      const fields = await vault.openFieldsForPipeline(sealed.map((each) => each.sealed));
      expect(records.map(({ event }, i) => applyOpened(event, fields[i] as OpenedFields, 'staff-and-text'))).toEqual(
        await vault.openForPipeline(records),
      );
      const keys = await vault.slotKeys(sealed.map((each) => each.sealed));
      expect(keys.map((slots) => slots.length)).toEqual([0, 2, 1, 0, 2]);
      expect(keys[1]).toEqual(await slotKeysOf(vault, sealed[1] as SealedEvent));
    });

    it('fails as a whole where one of the records was altered', async () => {
      const [good, bad] = [await sealedOf(vault, signedIn), await sealedOf(vault, readEvent)];
      const altered = Buffer.from(bad.sealed);
      altered[altered.length - 1] = (altered.at(-1) as number) ^ 1;
      const records = [
        { event: storedOf(good), sealed: good.sealed },
        { event: storedOf(bad), sealed: altered },
      ];
      await expect(vault.reveal(records)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
      expect((await revealedOf(vault, good)).event).toEqual(signedIn);
    });

    it('carries calls out in their order, though nobody waits in between', async () => {
      const sealing = sealedOf(vault, readEvent);
      const found = vault.find('p-016');
      const destroyed = found.then((person) => vault.destroy(person?.keyIds ?? []));
      const first = await sealing;
      expect((await found)?.keyIds).toHaveLength(1);
      expect(await destroyed).toBe(1);
      const after = vault.seal([readEvent]);
      const foundAgain = vault.find('p-016');
      await after;
      expect((await foundAgain)?.keyIds).not.toEqual((await found)?.keyIds);
      expect((await revealedOf(vault, first)).erased).toContain('/data/actor/user/uid');
    });

    it('refuses damaged bytes from outside, and says that it is they', async () => {
      const sealed = await vault.sealText(Buffer.from('a text'), 'ehr', Date.parse(TIME));
      const cuts = Array.from({ length: sealed.length }, (_, bytes) => sealed.subarray(0, bytes));
      const flips = Array.from({ length: sealed.length }, (_, at) => {
        const altered = Buffer.from(sealed);
        altered[at] = (altered[at] as number) ^ 0x10;
        return altered;
      });
      const outcomes = await Promise.all(
        [...cuts, ...flips, Buffer.from('not sealed at all'), Buffer.alloc(2_000)].map((bytes) =>
          vault.openText(bytes).then(
            (text) => (text === undefined ? 'gone' : text.toString()),
            (error: { readonly code?: string }) => error.code ?? 'no code',
          ),
        ),
      );
      const allowed = new Set(['gone', 'LOG_BLOCK_CORRUPT', 'LOG_FORMAT_UNKNOWN']);
      expect(outcomes.filter((outcome) => !allowed.has(outcome))).toEqual([]);
    });

    describe('admission', () => {
      it('gives what sealing the event would, and what the log needs of it', async () => {
        const arrivedat = '2026-03-02T07:00:05.000Z';
        const [ehr, feed] = (
          await vault.admit([rawOf(readEvent), rawOf({ ...signedIn, source: 'feed', arrivedat })])
        ).map(admittedOf) as [AdmittedEvent, AdmittedEvent];
        const direct = await sealedOf(vault, readEvent);
        expect(ehr).toMatchObject({ source: 'ehr', id: 'e-1', type: 'access.record-read', carriedMs: undefined });
        expect(ehr.timeMs).toBe(Date.parse(TIME));
        expect(ehr.sealed.body).toEqual(direct.body);
        expect(ehr.sealed.contentHash).toEqual(direct.contentHash);
        expect(ehr.sealed.subjects).toEqual(direct.subjects);
        expect(ehr.sealed.pipelineEvent).toEqual(direct.pipelineEvent);
        expect(ehr.sealed.pseudonyms).toEqual(direct.pseudonyms);
        expect((await revealedOf(vault, ehr.sealed)).event).toEqual(readEvent);
        expect((await reopenedOf(vault, ehr.sealed)).event).toEqual(ehr.sealed.pipelineEvent);
        expect(feed.carriedMs).toBe(Date.parse(arrivedat));
      });

      it('refuses what is no event, or not for its source to say, and keeps the order', async () => {
        const { site: _, ...siteless } = signedIn;
        const outcomes = await vault.admit([
          rawOf(readEvent),
          { ...rawOf(readEvent), bytes: Buffer.from('{"id": "') },
          { ...rawOf(readEvent), bytes: Buffer.from('"K\xf6ln"', 'latin1') },
          rawOf(siteless as ProtegoEvent),
          rawOf(signedIn, { source: 'feed' }),
          rawOf({ ...signedIn, source: 'nobody' }),
          rawOf({ ...signedIn, site: 'elsewhere' }),
          rawOf({ ...signedIn, source: 'directory' }),
          rawOf(signedIn, { family: 'device' }),
          rawOf({ ...signedIn, type: 'detection.raised' }),
          rawOf(unwritable),
          rawOf({ ...joined, id: 'x'.repeat(70_000) }),
          rawOf(signedIn, { family: 'access' }),
        ]);
        const codes = codesOf(outcomes);
        expect([codes[0], codes[12]]).toEqual(['admitted', 'admitted']);
        expect(codes.slice(1, 12)).toEqual([
          'EVENT_JSON_INVALID',
          'EVENT_JSON_INVALID',
          expect.stringMatching(/^EVENT_/),
          'EVENT_SOURCE_FORGED',
          'EVENT_SOURCE_UNDECLARED',
          'EVENT_SITE_FOREIGN',
          'EVENT_FAMILY_NOT_ALLOWED',
          'EVENT_FAMILY_NOT_ALLOWED',
          expect.stringMatching(/^EVENT_/),
          expect.stringMatching(/^EVENT_/),
          expect.stringMatching(/^EVENT_/),
        ]);
        expect(await vault.find('p-021')).toBeUndefined();
        expect(admittedOf(outcomes[12]).id).toBe(signedIn.id);
      });

      it('needs a gate', async () => {
        await vault.close();
        vault = await underTest.open(directory, 'write', shippedFields());
        await expect(vault.admit([rawOf(readEvent)])).rejects.toMatchObject({ code: 'INTERNAL' });
      });

      it('makes keys that a flush makes durable', async () => {
        const admission = admittedOf((await vault.admit([rawOf(readEvent)]))[0]);
        await vault.flush();
        const reader = await underTest.open(directory, 'read', shippedFields());
        expect((await revealedOf(reader, admission.sealed)).event).toEqual(readEvent);
        await reader.close();
      });
    });
  });
}
