'use strict';
// Version 2 counts by the hour: another layout of the state, which is made from version 1's.
module.exports = {
  version: 'v2',
  schema: 'counter/2',
  imports: ['counter/1', 'counter/2'],
  state: {earlier: 0, by_hour: {}},
  add: (state) => {
    const hour = new Date().toISOString().slice(0, 13);
    state.by_hour[hour] = (state.by_hour[hour] || 0) + 1;
  },
  total: (state) => Object.values(state.by_hour).reduce((sum, count) => sum + count, state.earlier),
  dump: (state) => JSON.stringify(state),
  load: (bytes, schema) => {
    const {count, earlier, by_hour} = JSON.parse(bytes);
    if (schema === 'counter/1' ? !Number.isInteger(count) : !Number.isInteger(earlier) || !by_hour)
      throw new Error('there is no count in this state');
    return schema === 'counter/1' ? {earlier: count, by_hour: {}} : {earlier, by_hour};
  },
};
