/** The alert that was opened last: the list begins with it when one comes back. */
export const opened = { id: "" };
