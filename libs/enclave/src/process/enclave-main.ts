import { messageOf } from '@protego/contracts';
import { EventGate } from '../admission/event-gate';
import { FileVault, KeeperNeeded } from '../file-vault';
import { freeSecrets, openServedHouse, type ServedHouse } from '../house-keys';
import { InProcessVault } from '../in-process-vault';
import { measurementOf } from '../measurement/measure';
import type { DerivedLogKeys } from '../derived-log-keys';
import { overwriteNativeStack } from '../memory/native-stack';
import { isRootSealed } from '../root/root-files';
import { rootSourceOf, sealRoot } from '../root/seal-root';
import { Attester, requireAttester } from './attester';
import { CALLS } from './call-codec';
import { CallChannel, type CallServer } from './call-channel';
import { fieldClassesOf, nodeFlagsOf, type EnclaveStart, type OpenedKeys, type RootSealing } from './enclave-start';
import { EnclaveService, type ServiceRole } from './enclave-service';
import { FrameWriter, type FrameReader } from './frame-bytes';
import { FrameChannel } from './frame-channel';
import { isDebugProcess, measureThisProcess } from './own-image';
import { KeeperLink, Replicas, type ReplicaLaunch, type ReplicaSecrets } from './replica-link';

/** Socket to the process that started the enclave. */
const STARTER_FD = 3;
/** First of the sockets that are passed on to replicas. */
const REPLICA_FD = 4;

// An enclave without its starter is of no use, and one without its keeper knows too little.
function leave(): never {
  process.exit(0);
}

/** The process that keeps the vault: it opens the house when it is asked to, and starts replicas. */
function keep(): void {
  const replicas = new Replicas();
  let service: EnclaveService | undefined;
  let house: Pick<ServedHouse, 'close'> | undefined;
  const server: CallServer = {
    answer: async (operation, reader) => {
      if (operation === CALLS.open) {
        const opened = await openKeeper(reader, replicas);
        ({ house, service } = opened);
        return opened.answer;
      }
      if (operation === CALLS.sealRoot) return sealRootHere(reader);
      if (operation === CALLS.close) {
        service?.close();
        await house?.close();
        replicas.close();
        return new FrameWriter();
      }
      if (service === undefined) throw new Error('the enclave was not opened');
      const answer = await service.answer(operation, reader);
      replicas.tell();
      return answer;
    },
    onEnd: () => void (house?.close() ?? Promise.resolve()).then(leave, leave),
  };
  new CallChannel((listener) => FrameChannel.overDescriptor(STARTER_FD, listener), server);
}

async function openKeeper(
  reader: FrameReader,
  replicas: Replicas,
): Promise<{ house: Pick<ServedHouse, 'close'>; service: EnclaveService; answer: FrameWriter }> {
  const asked = reader.json() as EnclaveStart;
  const { start, attester, launch } = await launchKeeper(asked, isRootSealed(asked.directory));
  const fields = fieldClassesOf(start);
  const { processes: _processes, fields: _fields, ...options } = start;
  const opening = openServedHouse({ ...options, ...(fields && { fields }) }, attester?.launched());
  const { house, fileVault, secrets, custody } = await opening;
  const { vault } = house;
  fileVault.follow((bytes, number) => replicas.note(bytes, number));
  const work = { admit: vault.admit.bind(vault), seal: vault.seal.bind(vault) };
  const role: ServiceRole = {
    kind: 'keeper',
    ...work,
    get changes() {
      return replicas.changes;
    },
    knowing: () => Promise.resolve(),
    settled: () => replicas.settled(),
  };
  const service = new EnclaveService(house, role, { attester, root: custody });
  const linked = { ...work, onDone: () => service.touch() };
  try {
    await replicas.start(launch, { ...secrets, options: JSON.stringify(start) }, linked, leave);
  } finally {
    freeSecrets(secrets);
  }
  const answer = new FrameWriter();
  answer.json(keysFor(house.keys));
  const close = async (): Promise<void> => {
    attester?.close();
    await house.close();
  };
  return { house: { close }, service, answer };
}

/** Seals the root secret of a key directory; this process does nothing else. */
async function sealRootHere(reader: FrameReader): Promise<FrameWriter> {
  const { start, seal } = reader.json() as RootSealing;
  const { attester } = await launchKeeper(start, rootSourceOf(seal) === 'root.sealed');
  try {
    const writer = new FrameWriter();
    writer.json(await sealRoot(requireAttester(attester).launched(), seal));
    return writer;
  } finally {
    attester?.close();
    overwriteNativeStack();
  }
}

/**
 * Finds out what this process is, before it touches a key, and how its replicas are to be started.
 *
 * @param mustExist the platform has sealed something: a new one would be of no use
 */
async function launchKeeper(
  options: EnclaveStart,
  mustExist: boolean,
): Promise<{ start: EnclaveStart; attester: Attester | undefined; launch: ReplicaLaunch }> {
  const isDebug = isDebugProcess(options);
  const start = { ...options, isDebug };
  const { platformDirectory, processes } = start;
  const attester =
    platformDirectory === undefined
      ? undefined
      : await Attester.open(platformDirectory, await measureThisProcess(start), { mustExist });
  const launch = {
    entry: __filename,
    nodeFlags: nodeFlagsOf(start),
    descriptors: Array.from({ length: processes - 1 }, (_, i) => REPLICA_FD + i),
    ...(attester === undefined ? {} : { measurement: attester.measurement }),
  };
  return { start, attester, launch };
}

/** A process that seals and opens with the keeper's keys, and sends on what needs new ones. */
function replicate(): void {
  let service: EnclaveService | undefined;
  const openReplica = async ({ root, pseudonymKey, options }: ReplicaSecrets): Promise<FileVault> => {
    const start = JSON.parse(options) as EnclaveStart;
    const fields = fieldClassesOf(start);
    const { directory, gate } = start;
    const fileVault = await FileVault.open({
      directory,
      // What another enclave writes nobody tells of: then each process follows the file.
      mode: start.mode === 'write' ? 'replica' : 'read',
      root: root.bytes,
      pseudonymKey: pseudonymKey.bytes,
      ...(fields && { fields }),
    });
    const vault = new InProcessVault(fileVault, gate && new EventGate(gate));
    service = new EnclaveService(houseOfReplica(vault), {
      kind: 'replica',
      get changes() {
        return keeper.changes;
      },
      knowing: (changes) => keeper.knowing(changes),
      admit: (inputs) => withKeeper(inputs, vault.admit(inputs), (some) => keeper.admit(some)),
      seal: (events) => withKeeper(events, vault.seal(events), (some) => keeper.seal(some)),
      settled: () => Promise.resolve(),
    });
    return fileVault;
  };
  const measure = async (options: string): Promise<Buffer> =>
    measurementOf((await measureThisProcess(JSON.parse(options) as EnclaveStart)).manifest);
  const keeper = new KeeperLink({
    onOpen: openReplica,
    onChanged: () => service?.touch(),
    onFault: (error) => {
      process.stderr.write(`enclave: a change of the vault cannot be taken over: ${messageOf(error)}\n`);
      process.exit(1);
    },
    onEnd: leave,
    onMeasure: measure,
  });
  new CallChannel((listener) => FrameChannel.overDescriptor(STARTER_FD, listener), {
    answer: (operation, reader) => {
      if (service === undefined) throw new Error('the enclave was not opened');
      return service.answer(operation, reader);
    },
    onEnd: leave,
  });
}

/** Outcomes in order; those that need a key which does not exist yet come from the keeper. */
async function withKeeper<In, Out extends { readonly kind: string; readonly error?: Error }>(
  inputs: readonly In[],
  here: Promise<Out[]>,
  there: (inputs: readonly In[]) => Promise<Out[]>,
): Promise<Out[]> {
  const outcomes = await here;
  const left = outcomes.flatMap(({ error }, i) => (error?.cause instanceof KeeperNeeded ? [i] : []));
  if (left.length === 0) return outcomes;
  const kept = await there(left.map((i) => inputs[i] as In));
  left.forEach((i, at) => (outcomes[i] = kept[at] as Out));
  return outcomes;
}

function houseOfReplica(vault: InProcessVault): ServedHouse {
  const refuse = (): never => {
    throw new Error('only the keeper of the vault has the keys of the log');
  };
  return {
    vault,
    get keys(): DerivedLogKeys {
      return refuse();
    },
    rotateDataKey: refuse,
    close: () => vault.close(),
  };
}

function keysFor(keys: DerivedLogKeys): OpenedKeys {
  return {
    dataKeys: keys.dataKeyIds.map((id) => [id, keys.dataKey(id).toString('base64')]),
    subjectKey: keys.subjectKey.toString('base64'),
    dedupeKey: keys.dedupeKey.toString('base64'),
    publicKey: keys.signer.publicKey.toString('base64'),
  };
}

// Without a listener, this signal would let the inspector of Node in at any time.
process.on('SIGUSR1', () => undefined);
if (process.argv[2] === 'replica') replicate();
else keep();
