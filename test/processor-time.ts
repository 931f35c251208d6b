/** Starts to measure; what it returns tells how many milliseconds this thread has worked since, in steps of up to 4. Other work on the machine does not count. */
export const processorTime = (): (() => number) => {
  const before = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  };
};
