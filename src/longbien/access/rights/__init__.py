"""What a patient may ask of the record, by law: to see it, to have a copy, to correct it, to restrict, to withdraw, to erase."""
