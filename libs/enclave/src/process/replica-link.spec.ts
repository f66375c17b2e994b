import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { GuardedBytes } from '../memory/guarded-memory';
import { CallChannel } from './call-channel';
import { FrameWriter } from './frame-bytes';
import { FrameChannel } from './frame-channel';
import { KeeperLink, LINK_CALLS, Replicas } from './replica-link';

/** A replica that answers that it is open, and at once has the keeper admit nothing, then do what there is not. */
const REPLICA = `
  const socket = new (require('node:net').Socket)({ fd: 4, readable: true, writable: true });
  const frame = (call, kind, payload) => {
    const header = Buffer.alloc(9);
    header.writeUInt32BE(payload.length, 0);
    header.writeUInt32BE(call, 4);
    header[8] = kind;
    return Buffer.concat([header, payload]);
  };
  socket.once('data', () => {
    const calls = [${LINK_CALLS.admit}, 99].map((call, i) => frame(7 + i, 0x10 + call, Buffer.alloc(4)));
    socket.write(Buffer.concat([...calls, frame(1, 0, Buffer.alloc(0))]));
  });
`;

describe('KeeperLink', () => {
  let server: Server;
  let keeper: CallChannel;
  let replicaSocket: Socket;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    replicaSocket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [keeperSocket] = (await once(server, 'connection')) as [Socket];
    const answer = (): Promise<FrameWriter> => Promise.resolve(new FrameWriter());
    keeper = new CallChannel((frames) => FrameChannel.overSocket(keeperSocket, frames), { answer, onEnd() {} });
  });

  afterEach(() => {
    keeper.close();
    replicaSocket.destroy();
    server.close();
  });

  function linkTo(applyChange: (bytes: Buffer, number: number) => void): { link: KeeperLink; faults: unknown[] } {
    const faults: unknown[] = [];
    const link = new KeeperLink(
      {
        onOpen: async () => ({ applyChange }),
        onChanged() {},
        onFault: (error) => faults.push(error),
        onEnd() {},
        onMeasure: async () => Buffer.alloc(32),
      },
      (frames) => FrameChannel.overSocket(replicaSocket, frames),
    );
    return { link, faults };
  }

  async function open(): Promise<void> {
    const writer = new FrameWriter();
    writer.bytes(Buffer.alloc(32, 1));
    writer.bytes(Buffer.alloc(32, 2));
    writer.text('{}');
    await keeper.call(LINK_CALLS.open, writer);
  }

  function change(changes: number, number: number): FrameWriter {
    const writer = new FrameWriter();
    writer.u32(changes);
    writer.u32(1);
    writer.u32(number);
    writer.bytes(Buffer.from('slot'));
    return writer;
  }

  it('takes changes over in their order, and tells how many it knows of', async () => {
    const applied: number[] = [];
    const { link, faults } = linkTo((_, number) => applied.push(number));
    const early = keeper.call(LINK_CALLS.changes, change(1, 7));
    await open();
    await early;
    await keeper.call(LINK_CALLS.changes, change(2, 8));
    await link.knowing(2);
    expect([applied, link.changes, faults]).toEqual([[7, 8], 2, []]);
  });

  it('gives up when it cannot take a change over: whoever waits for it would wait for ever', async () => {
    const damaged = new ProtegoError('LOG_KEYS_DAMAGED', 'a change cannot be read');
    const { link, faults } = linkTo(() => {
      throw damaged;
    });
    await open();
    await expect(keeper.call(LINK_CALLS.changes, change(1, 7))).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    expect([faults, link.changes]).toEqual([[damaged], 0]);
  });
});

describe('Replicas', () => {
  it('tell after each piece of work for one that it was done, also of one that failed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'protego-replica-'));
    const entry = join(directory, 'replica.js');
    writeFileSync(entry, REPLICA);
    const done: string[] = [];
    const replicas = new Replicas();
    const secrets = { root: GuardedBytes.allocate(32), pseudonymKey: GuardedBytes.allocate(32), options: '{}' };
    const launch = { entry, nodeFlags: [], descriptors: [openSync('/dev/null', 'r')] };
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const work = {
      admit: async () => {
        done.push('admitted');
        return [];
      },
      seal: async () => [],
      onDone: () => void done.push('told'),
    };
    await replicas.start(launch, secrets, work, end);
    await new Promise((resolve) => setTimeout(resolve, 50));
    replicas.close();
    await ended;
    rmSync(directory, { recursive: true });
    expect([done.filter((each) => each === 'told').length, done[0]]).toEqual([2, 'admitted']);
  });
});
