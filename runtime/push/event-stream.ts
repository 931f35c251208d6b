/** Server-sent events on the wire. */
import type { ServerResponse } from 'node:http';

export const eventText = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** A quiet device is no idle connection, and a watcher who left is noticed at once. */
export const openStream = ({ socket }: ServerResponse): void => {
  socket?.setTimeout(0);
  // Half-closed connections live on (server.ts): a watcher who left would be noticed at the next change only.
  socket?.once('end', () => socket.destroy());
};
