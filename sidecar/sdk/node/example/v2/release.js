'use strict';
// Version 2 counts by the hour: another layout of the state, which is made from version 1's.
module.exports = {
  version: 'v2',
  schema: 'counter/2',
  imports: ['counter/1', 'counter/2'],
  state: {earlier: 0, byHour: {}},
  add: (state) => {
    const hour = new Date().toISOString().slice(0, 13);
    state.byHour[hour] = (state.byHour[hour] || 0) + 1;
  },
  total: (state) => Object.values(state.byHour).reduce((sum, count) => sum + count, state.earlier),
  dump: (state) => JSON.stringify(state),
  load: (bytes, schema) => {
    const {count, earlier, byHour} = JSON.parse(bytes);
    if (schema === 'counter/1' ? !Number.isInteger(count) : !Number.isInteger(earlier) || !byHour)
      throw new Error('there is no count in this state');
    return schema === 'counter/1' ? {earlier: count, byHour: {}} : {earlier, byHour};
  },
};
