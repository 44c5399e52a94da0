// SPDX-License-Identifier: GPL-2.0
/* What x86-64 opcodes are followed by, and which general registers they write (Intel SDM volume 2, appendix A). */
#include "unwind/insn_forms_x86.h"

unsigned int insn__one_byte_form(int opcode)
{
	unsigned int byte = opcode & 1 ? 0 : F_BYTE;

	if (opcode < 0x40) {
		unsigned int dest = (opcode & 0x38) == 0x38 ? 0 : opcode & 2 ? F_REG : F_RM;

		switch (opcode & 7) {
		case 4:
			return F_IMM8 | F_AX;
		case 5:
			return F_IMM32 | F_AX;
		case 6:
		case 7:
			return F_BAD;
		default:
			return F_MODRM | dest | byte;
		}
	}
	switch (opcode) {
	case 0x63:
		return F_MODRM | F_REG;
	case 0x69:
		return F_MODRM | F_REG | F_IMM32;
	case 0x6b:
		return F_MODRM | F_REG | F_IMM8;
	case 0x80:
	case 0xc0:
		return F_MODRM | F_RM | F_IMM8 | F_BYTE;
	case 0xc6:
		return F_MODRM | F_RM | F_IMM8 | F_BYTE;
	case 0x81:
	case 0xc7:
		return F_MODRM | F_RM | F_IMM32;
	case 0x83:
	case 0xc1:
		return F_MODRM | F_RM | F_IMM8;
	case 0x84:
	case 0x85:
	case 0x8e:
		return F_MODRM | byte;
	case 0x86:
	case 0x87:
		return F_MODRM | F_REG | F_RM | byte;
	case 0x88:
	case 0x89:
	case 0x8c:
		return F_MODRM | F_RM | (opcode == 0x88 ? F_BYTE : 0);
	case 0x8a:
	case 0x8b:
	case 0x8d:
		return F_MODRM | F_REG | (opcode == 0x8a ? F_BYTE : 0);
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return F_MODRM | F_RM | byte;
	case 0xa8:
		return F_IMM8;
	case 0xa9:
		return F_IMM32;
	case 0xcd:
		return F_IMM8 | F_MORE;
	case 0xfe:
		return F_MODRM | F_RM | F_BYTE;
	default:
		break;
	}
	if ((opcode >= 0xd8 && opcode <= 0xdf))
		return F_MODRM | F_MORE;
	if (opcode == 0x98 || opcode == 0x99 || opcode == 0x9b || opcode == 0x9e ||
		opcode == 0x9f || (opcode >= 0xa4 && opcode <= 0xa7) ||
		(opcode >= 0xaa && opcode <= 0xaf) || opcode == 0xf5 ||
		(opcode >= 0xf8 && opcode <= 0xfd))
		return F_MORE;
	return F_BAD;
}

static unsigned int rare_form(int opcode)
{
	if (opcode == 0x05 || opcode == 0x31 || opcode == 0x77 || opcode == 0xa2 || opcode == 0x01)
		return opcode == 0x01 ? F_MODRM : 0;
	switch (opcode) {
	case 0x2c:
	case 0x2d:
	case 0x50:
	case 0xb8:
	case 0xbc:
	case 0xbd:
	case 0xd7:
		return F_MODRM | F_REG;
	case 0xc5:
		return F_MODRM | F_REG | F_IMM8;
	case 0x70:
	case 0x71:
	case 0x72:
	case 0x73:
	case 0xc2:
	case 0xc4:
	case 0xc6:
		return F_MODRM | F_IMM8;
	case 0xa4:
	case 0xac:
	case 0xba:
		return F_MODRM | F_RM | F_IMM8;
	case 0x7e:
	case 0xa5:
	case 0xab:
	case 0xad:
	case 0xb0:
	case 0xb1:
	case 0xb3:
	case 0xbb:
	case 0xc7:
		return F_MODRM | F_RM | (opcode == 0xb0 ? F_BYTE : 0);
	case 0xc0:
	case 0xc1:
		return F_MODRM | F_REG | F_RM;
	case 0xa3:
	case 0xae:
	case 0x0d:
	case 0x18:
	case 0xc3:
		return F_MODRM;
	default:
		break;
	}
	if ((opcode >= 0x10 && opcode <= 0x17) || (opcode >= 0x28 && opcode <= 0x2f) ||
		(opcode >= 0x51 && opcode <= 0x7f) || (opcode >= 0xd0))
		return F_MODRM;
	return F_BAD;
}

unsigned int insn__two_byte_form(int opcode)
{
	unsigned int form;

	if ((opcode >= 0x40 && opcode <= 0x4f) || opcode == 0xaf || opcode == 0xb6 ||
		opcode == 0xb7 || opcode == 0xbe || opcode == 0xbf)
		return F_MODRM | F_REG;
	if (opcode >= 0x90 && opcode <= 0x9f)
		return F_MODRM | F_RM | F_BYTE;
	form = rare_form(opcode);
	return form == F_BAD ? F_BAD : form | F_MORE;
}

unsigned int insn__vector_form(int map, int opcode)
{
	if (map == 1)
		return opcode == 0x77
			       ? F_MORE
			       : F_MORE | F_MODRM |
					 (insn__two_byte_form(opcode) & ~(unsigned int)F_BAD);
	if (map == 2)
		return F_MORE | F_MODRM | (opcode >= 0xf0 ? F_REG | F_RM : 0);
	if (map == 3)
		return F_MORE | F_MODRM | F_IMM8 | (opcode >= 0x14 && opcode <= 0x17 ? F_RM : 0) |
		       (opcode >= 0xf0 ? F_REG : 0);
	return F_BAD;
}
