const form = document.querySelector('#room-form')
const input = document.querySelector('#room-name-input')

input.addEventListener('input', () => input.setCustomValidity(''))

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const room = input.value.trim()
  const problem = problemOf(room)
  input.setCustomValidity(problem)
  if (problem) return input.reportValidity()
  // Relative, as all links of these pages: the chat may be below a prefix.
  location.assign(`chat/${encodeURIComponent(room)}/`)
})

function problemOf(room) {
  if (room === '') return 'Type the name of a room.'
  // What the room's route takes: a slug.
  if (!/^[-\w]+$/.test(room))
    return 'A room name has only the letters a to z, digits, hyphens and underscores.'
  return ''
}
