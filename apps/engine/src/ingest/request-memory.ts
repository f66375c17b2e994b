import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Has each piece of a request read into memory of its own, and overwrites it once it was parsed. The parser of Node otherwise
 * reads all connections into one buffer of 64 KiB, of which a request overwrites only as much as it is long: what a long one
 * held would stay there. What the parser hands on, it has copied.
 *
 * @param server takes no upgrades: their first bytes would be overwritten as well
 */
export function overwriteRequests(server: Server, isTls: boolean): void {
  // Comes after the listener of the server itself, which parses the piece; that there is one has Node read this way.
  const overwrite = (piece: Buffer): void => void piece.fill(0);
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => void socket.on('data', overwrite));
}
