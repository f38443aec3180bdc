const form = document.querySelector('#room-form')
const input = document.querySelector('#room-name-input')

input.addEventListener('input', () => input.setCustomValidity(''))

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const room = input.value.trim().toWellFormed()
  const problem = problemOf(room)
  input.setCustomValidity(problem)
  if (problem) return input.reportValidity()
  location.assign(`/chat/${encodeURIComponent(room)}/`)
})

function problemOf(room) {
  if (room === '') return 'Type the name of a room.'
  // Browsers resolve these two in a path, even when they are %-encoded.
  if (room === '.' || room === '..') return `A room cannot be called "${room}".`
  return ''
}
