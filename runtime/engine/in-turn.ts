/** Runs one piece of work after the other, whatever becomes of it. */
export const inTurn = () => {
  let previous: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const done = previous.then(work);
    previous = done.catch(() => undefined); // its caller has the error
    return done;
  };
};
